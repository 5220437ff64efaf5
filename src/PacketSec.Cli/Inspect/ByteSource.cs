namespace PacketSec.Cli.Inspect;

/// <summary>A stream with a look at its front. Its memory is one buffer, whatever the stream says about itself.</summary>
internal sealed class ByteSource(Stream stream)
{
    private readonly byte[] _buffer = new byte[64 * 1024];
    private int _start;
    private int _end;

    /// <summary>Gets how many bytes were read or skipped.</summary>
    public long Position { get; private set; }

    /// <summary>Gets what has come and is not read yet.</summary>
    public ReadOnlySpan<byte> Buffered => _buffer.AsSpan(_start, _end - _start);

    /// <summary>Returns the next bytes without reading them.</summary>
    /// <param name="count">How many are wanted, at most a few.</param>
    /// <returns>As many as there are.</returns>
    public ReadOnlySpan<byte> Peek(int count)
    {
        while (_end - _start < count && Fill())
        {
        }

        return Buffered[..Math.Min(count, Buffered.Length)];
    }

    /// <summary>Reads until the destination is full or the stream ends.</summary>
    /// <returns>How many bytes were read.</returns>
    public int Read(Span<byte> destination)
    {
        var read = 0;
        while (read < destination.Length && (_end > _start || Fill()))
        {
            var part = Math.Min(destination.Length - read, _end - _start);
            _buffer.AsSpan(_start, part).CopyTo(destination[read..]);
            Take(part);
            read += part;
        }

        return read;
    }

    /// <summary>Reads exactly as many bytes as the destination takes.</summary>
    /// <returns>False when the stream ends before.</returns>
    public bool TryRead(Span<byte> destination) => Read(destination) == destination.Length;

    /// <summary>Skips bytes.</summary>
    /// <returns>False when the stream ends before.</returns>
    public bool TrySkip(long count)
    {
        while (count > 0 && (_end > _start || Fill()))
        {
            var part = (int)Math.Min(count, _end - _start);
            Take(part);
            count -= part;
        }

        return count == 0;
    }

    private void Take(int count)
    {
        _start += count;
        Position += count;
    }

    private bool Fill()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }

        var read = _end < _buffer.Length ? stream.Read(_buffer, _end, _buffer.Length - _end) : 0;
        _end += read;
        return read > 0;
    }
}
