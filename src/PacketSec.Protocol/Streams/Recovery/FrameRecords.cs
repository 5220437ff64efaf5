namespace PacketSec.Protocol.Streams.Recovery;

/// <summary>The records of all packets in flight, in one array whose places are used again: nothing is allocated per packet.</summary>
internal sealed class FrameRecords
{
    /// <summary>No record.</summary>
    public const int None = -1;

    private FrameRecord[] _records = new FrameRecord[64];
    private int _free = None;
    private int _used;

    /// <summary>Gets how many records are in use.</summary>
    public int Count { get; private set; }

    public ref readonly FrameRecord this[int index] => ref _records[index];

    /// <summary>Adds a record before a list.</summary>
    /// <param name="list">The list's first record, or <see cref="None"/>.</param>
    /// <param name="record">The record; its <see cref="FrameRecord.Next"/> is set here.</param>
    /// <returns>The list's first record.</returns>
    public int Add(int list, in FrameRecord record)
    {
        int index;
        if (_free != None)
        {
            index = _free;
            _free = _records[index].Next;
        }
        else
        {
            if (_used == _records.Length)
            {
                Array.Resize(ref _records, 2 * _used);
            }

            index = _used++;
        }

        _records[index] = record;
        _records[index].Next = list;
        Count++;
        return index;
    }

    /// <summary>Gives a record's place back and returns the next one of its list.</summary>
    public int Free(int index)
    {
        var next = _records[index].Next;
        _records[index].Stream = null;
        _records[index].Next = _free;
        _free = index;
        Count--;
        return next;
    }
}
