using PacketSec.Protocol.Streams.Recovery;

namespace PacketSec.Protocol.Streams;

/// <summary>What follows from packets that arrived, were lost, or have to be repeated to probe.</summary>
internal sealed partial class ConnectionMachine
{
    /// <summary>The oldest packets whose content a probe repeats.</summary>
    private const int ProbedPackets = 2;

    private void DrainSettled(long now)
    {
        while (_recovery.TryTakeSettled(out var settled))
        {
            var packet = settled.Packet;
            var acknowledged = packet.State == SentState.Acknowledged;
            if (acknowledged)
            {
                //= spec/streams.md#hello-until-acknowledged
                _sessions.NoteAcknowledged(packet.Session);
            }

            if (packet.Path == _recovery.Path)
            {
                TellMtu(now, settled, acknowledged);
            }

            if (!acknowledged)
            {
                _tracer?.Lost(now, settled);
            }

            for (var record = packet.Records; record != FrameRecords.None;)
            {
                var content = _records[record];
                record = _records.Free(record);
                if (acknowledged)
                {
                    OnAcknowledged(content);
                }
                else
                {
                    OnLost(content);
                }
            }
        }
    }

    private void TellMtu(long now, in SettledPacket settled, bool acknowledged)
    {
        var size = settled.Packet.Size;
        if (settled.Packet.MtuProbe)
        {
            if (acknowledged)
            {
                _mtu.OnProbeAcknowledged(now, size);
            }
            else
            {
                _mtu.OnProbeLost(now, size);
            }
        }
        else if (!acknowledged)
        {
            _mtu.OnLost(settled.Number, size, settled.Packet.SentAt);
        }
        else
        {
            _mtu.OnAcknowledged(now, settled.Number, size, 2 * _recovery.Rtt.ProbeTimeout);
        }

        ApplyMtu();
    }

    private void OnAcknowledged(in FrameRecord content)
    {
        switch (content.Kind)
        {
            case RecordKind.Stream:
                var stream = content.Stream!;
                stream.Send!.OnAcknowledged(content.Offset, content.Length, content.Fin);
                if (stream.WantsWritable && stream.Send.HasRoom(_options.SendBuffer))
                {
                    stream.WantsWritable = false;
                    _events.Enqueue(new(StreamEventKind.Writable, stream));
                }

                RemoveIfDone(stream);
                break;
            case RecordKind.ResetStream:
                content.Stream!.Send!.OnResetAcknowledged();
                RemoveIfDone(content.Stream);
                break;
            case RecordKind.Ack:
                _received.ForgetBelow(content.Offset);
                break;
            case RecordKind.StopSending or RecordKind.MaxStreamData or RecordKind.MaxData or RecordKind.MaxStreamsBidirectional
                or RecordKind.MaxStreamsUnidirectional or RecordKind.MtuProbe:
                break;
        }
    }

    //= rfc9000#section-13.3
    private void OnLost(in FrameRecord content)
    {
        switch (content.Kind)
        {
            case RecordKind.Stream:
                content.Stream!.Send!.OnLost(content.Offset, content.Length, content.Fin);
                QueueLost(content.Stream);
                break;
            case RecordKind.ResetStream:
                QueueNews(content.Stream!, StreamNews.ResetStream);
                break;
            case RecordKind.StopSending:
                QueueNews(content.Stream!, StreamNews.StopSending);
                break;
            case RecordKind.MaxStreamData:
                QueueNews(content.Stream!, StreamNews.MaxStreamData);
                break;
            case RecordKind.MaxData:
                _maxDataPending = true;
                break;
            case RecordKind.MaxStreamsBidirectional:
                _maxStreamsPending[0] = true;
                break;
            case RecordKind.MaxStreamsUnidirectional:
                _maxStreamsPending[1] = true;
                break;
            case RecordKind.Ack or RecordKind.MtuProbe:
                break;
        }
    }

    /// <summary>Lets probes carry again what the oldest packets in flight carried.</summary>
    //= rfc9002#section-6.2.4
    private void OnProbeTimeout()
    {
        _probes = ProbePackets;
        var left = ProbedPackets;
        for (var number = _recovery.Sent.First; number < _recovery.Sent.Next && left > 0; number++)
        {
            ref var packet = ref _recovery.Sent[number];
            if (packet.State != SentState.Outstanding)
            {
                continue;
            }

            left--;
            for (var record = packet.Records; record != FrameRecords.None; record = _records[record].Next)
            {
                OnLost(_records[record]);
            }
        }
    }

    /// <summary>Tells whether a stream has begun to come and is not complete.</summary>
    private bool ExpectsData()
    {
        foreach (var stream in _table.All)
        {
            if (stream.Receive is { IsComplete: false, StopCode: null, Highest: > 0 })
            {
                return true;
            }
        }

        return false;
    }
}
