using PacketSec.Protocol.Streams.Frames;
using PacketSec.Protocol.Streams.Recovery;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Streams;

/// <summary>How packets are put together.</summary>
internal sealed partial class ConnectionMachine
{
    /// <summary>Packets that a probe timeout lets go whatever the window says.</summary>
    //= rfc9002#section-6.2.4
    private const int ProbePackets = 2;

    /// <summary>From which probe timeout on, in a row, packets have the size that every path carries.</summary>
    private const int SmallFromTimeout = 2;

    /// <summary>Less room than this is not worth a piece of a stream.</summary>
    private const int LeastPiece = 16;

    /// <summary>The unit of an acknowledgement's delay, 8 us in nanoseconds.</summary>
    private const int AckDelayUnit = 8000;

    private int _probes;
    private bool _pingPending;
    private bool _streamsFirst;
    private bool _closePending;
    private long _paceAt = Never;

    /// <summary>Builds the next packet that may go now. Once it is built it counts as sent: the caller seals it at once.</summary>
    /// <param name="now">The time.</param>
    /// <param name="payload">Where it goes; as many bytes as the interface's largest datagram less what sealing adds, so that probes fit.</param>
    /// <param name="packet">The packet.</param>
    /// <returns>False when nothing is to be sent now, or no session can seal.</returns>
    public bool TryBuildPacket(Instant now, Span<byte> payload, out BuiltPacket packet)
    {
        if (!TryBuildNext(now, payload, out packet))
        {
            _tracer?.Compare(now.Nanoseconds);
            return false;
        }

        _tracer?.Sent(now.Nanoseconds, packet, payload[..packet.Length], _recovery.Sent[packet.Number].MtuProbe);
        return true;
    }

    private bool TryBuildNext(Instant now, Span<byte> payload, out BuiltPacket packet)
    {
        packet = default;
        if (_carrier is not { } carrier || _recovery.Sent.IsFull)
        {
            return false;
        }

        if (!IsAlive)
        {
            return State == ConnectionState.Closing && _closePending && BuildClose(now.Nanoseconds, carrier, payload, out packet);
        }

        var time = now.Nanoseconds;
        _paceAt = Never;
        var size = Math.Min(_recovery.ProbeTimeouts >= SmallFromTimeout ? Dplpmtud.BaseSize : _mtu.Size, payload.Length + SpecLimits.DatagramOverhead);
        var at = _probes > 0 ? time : _recovery.NextSend(time, size);
        var allowed = at <= time;
        var ackDue = _ackAtOnce || time >= _ackAt;
        if (!allowed)
        {
            if (HasData())
            {
                _recovery.IsWindowLimited = true;
                _paceAt = at;
            }

            return ackDue && Build(time, carrier, payload[..(size - SpecLimits.DatagramOverhead)], false, true, out packet);
        }

        if (TryBuildMtuProbe(time, carrier, payload, out packet)
            || Build(time, carrier, payload[..(size - SpecLimits.DatagramOverhead)], true, ackDue, out packet))
        {
            return true;
        }

        _recovery.IsWindowLimited = false;
        return false;
    }

    private bool Build(long now, in StreamCarrier carrier, Span<byte> payload, bool dataAllowed, bool ackDue, out BuiltPacket packet)
    {
        var writer = new WireWriter(payload);
        var number = _recovery.Sent.Next;
        var records = FrameRecords.None;
        writer.WriteQuicVarint(number);
        var eliciting = WriteHello(ref writer, carrier);
        var acknowledges = _unacknowledged > 0
            && AckFrame.TryWrite(ref writer, _received, (now - _largestReceivedAt) / AckDelayUnit, writer.Room);
        var before = writer.Length;
        if (dataAllowed)
        {
            WriteNews(ref writer, ref records);
            WriteUnreliableAndStreams(ref writer, ref records);
            if ((_pingPending || (_probes > 0 && writer.Length == before)) && writer.Room > 0)
            {
                new PingFrame().WriteTo(ref writer);
                _pingPending = false;
            }
        }

        var data = writer.Length > before;
        packet = default;

        // What waits found no room beside the acknowledgement, which therefore goes by itself.
        if (!data && !(acknowledges && (ackDue || (dataAllowed && HasData()))))
        {
            return false;
        }

        eliciting |= data;
        if (acknowledges)
        {
            records = eliciting ? _records.Add(records, new() { Kind = RecordKind.Ack, Offset = _received.Largest }) : records;
            _unacknowledged = 0;
            _ackAtOnce = false;
            _ackAt = Never;
        }

        _probes -= eliciting && _probes > 0 ? 1 : 0;
        packet = Sent(now, carrier, number, writer.Length, eliciting, records, isProbe: false);
        return true;
    }

    //= spec/streams.md#hello-until-acknowledged
    private bool WriteHello(ref WireWriter writer, in StreamCarrier carrier)
    {
        if (_sessions.Acknowledged(carrier.Session))
        {
            return false;
        }

        new HelloFrame(HelloFrame.CurrentVersion, OwnIncarnation, _peerIncarnation, _ownParameters).WriteTo(ref writer);
        return true;
    }

    private BuiltPacket Sent(long now, in StreamCarrier carrier, long number, int length, bool eliciting, int records, bool isProbe)
    {
        _recovery.OnSent(now, new()
        {
            Session = carrier.Session,
            Size = length + SpecLimits.DatagramOverhead,
            Records = records,
            AckEliciting = eliciting,
            MtuProbe = isProbe,
        });
        if (eliciting && !_elicitingSentSinceReceived)
        {
            //= rfc9000#section-10.1
            _elicitingSentSinceReceived = true;
            _idleBase = now;
        }

        return new(number, length, eliciting);
    }

    //= spec/streams.md#mtu-probe
    //= rfc8899#section-4.1
    private bool TryBuildMtuProbe(long now, in StreamCarrier carrier, Span<byte> payload, out BuiltPacket packet)
    {
        packet = default;
        var room = Math.Min(payload.Length + SpecLimits.DatagramOverhead, _recovery.Controller.Window - _recovery.BytesInFlight);
        var size = _mtu.NextProbe(room);
        if (size == 0 || _probes > 0 || _recovery.ProbeTimeouts > 0 || !_sessions.Acknowledged(carrier.Session))
        {
            return false;
        }

        var writer = new WireWriter(payload[..(size - SpecLimits.DatagramOverhead)]);
        var number = _recovery.Sent.Next;
        writer.WriteQuicVarint(number);
        new PingFrame().WriteTo(ref writer);
        new PaddingFrame(writer.Room).WriteTo(ref writer);
        var records = _records.Add(FrameRecords.None, new() { Kind = RecordKind.MtuProbe, Length = size });
        _mtu.OnProbeSent();
        packet = Sent(now, carrier, number, writer.Length, true, records, isProbe: true);
        return true;
    }

    //= spec/streams.md#close-repeats
    private bool BuildClose(long now, in StreamCarrier carrier, Span<byte> payload, out BuiltPacket packet)
    {
        var writer = new WireWriter(payload[..Math.Min(payload.Length, Dplpmtud.BaseSize - SpecLimits.DatagramOverhead)]);
        var number = _recovery.Sent.Next;
        writer.WriteQuicVarint(number);
        WriteHello(ref writer, carrier);
        new ConnectionCloseFrame(_closeByApplication, CloseCode, _closeFrameType, _closeReason).WriteTo(ref writer);
        _closePending = false;
        packet = Sent(now, carrier, number, writer.Length, false, FrameRecords.None, isProbe: false);
        return true;
    }

    /// <summary>Tells whether there is anything to send but acknowledgements.</summary>
    private bool HasData()
        => _pingPending || _maxDataPending || _maxStreamsPending[0] || _maxStreamsPending[1] || _newsQueue.Count > 0 || !_datagramsOut.IsEmpty
            || HasStreamData();

    private bool HasStreamData()
    {
        if (_lostQueue.Count > 0 || (_newQueue.Count > 0 && SendCredit > 0))
        {
            return true;
        }

        foreach (var stream in _newQueue)
        {
            if (stream.Send is { IsEndNext: true })
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Writes datagrams and what streams have to send. Datagrams come first, unless bytes had to wait for them the last time.</summary>
    //= spec/streams.md#datagram-turns
    private void WriteUnreliableAndStreams(ref WireWriter writer, ref int records)
    {
        if (_streamsFirst)
        {
            _streamsFirst = false;
            WriteLost(ref writer, ref records);
            WriteNew(ref writer, ref records);
            WriteDatagrams(ref writer);
            return;
        }

        var begin = writer.Length;
        WriteDatagrams(ref writer);
        var written = writer.Length > begin;
        WriteLost(ref writer, ref records);
        WriteNew(ref writer, ref records);
        _streamsFirst = written && HasStreamData();
    }

    private void WriteNews(ref WireWriter writer, ref int records)
    {
        if (_maxDataPending && Fits(writer, new MaxDataFrame(_window.Limit)))
        {
            _maxDataPending = false;
            Write(ref writer, new MaxDataFrame(_window.Limit));
            records = _records.Add(records, new() { Kind = RecordKind.MaxData });
        }

        //= rfc9000#section-4.1
        if (SendCredit == 0 && _newQueue.Count > 0 && _blockedTold != _sendLimit && Fits(writer, new DataBlockedFrame(_sendLimit)))
        {
            _blockedTold = _sendLimit;
            Write(ref writer, new DataBlockedFrame(_sendLimit));
        }

        WriteStreamCounts(ref writer, ref records, true);
        WriteStreamCounts(ref writer, ref records, false);
        while (_newsQueue.TryPeek(out var stream) && TryWriteNews(ref writer, ref records, stream))
        {
            stream.InNewsQueue = false;
            _newsQueue.Dequeue();
        }
    }

    private void WriteStreamCounts(ref WireWriter writer, ref int records, bool bidirectional)
    {
        var index = bidirectional ? 0 : 1;
        if (_maxStreamsPending[index] && writer.Room >= 1 + QuicVarint.MaxLength)
        {
            _maxStreamsPending[index] = false;
            Write(ref writer, new MaxStreamsFrame(bidirectional, _table.Tell(bidirectional)));
            records = _records.Add(records, new()
            {
                Kind = bidirectional ? RecordKind.MaxStreamsBidirectional : RecordKind.MaxStreamsUnidirectional,
            });
        }

        if (_streamsBlockedPending[index] && writer.Room >= 1 + QuicVarint.MaxLength)
        {
            _streamsBlockedPending[index] = false;
            Write(ref writer, new StreamsBlockedFrame(bidirectional, _table.OwnLimit(bidirectional)));
        }
    }

    /// <summary>Writes what a stream has to say, one frame after the other; false when one has no room.</summary>
    private bool TryWriteNews(ref WireWriter writer, ref int records, StreamState stream)
    {
        if ((stream.News & StreamNews.ResetStream) != 0 && stream.Send is { ResetCode: { } code } given)
        {
            if (!TryWrite(ref writer, new ResetStreamFrame(stream.Id, code, given.SentTo)))
            {
                return false;
            }

            records = _records.Add(records, new() { Kind = RecordKind.ResetStream, Stream = stream });
        }

        stream.News &= ~StreamNews.ResetStream;
        if ((stream.News & StreamNews.StopSending) != 0 && stream.Receive is { StopCode: { } stop, IsComplete: false })
        {
            if (!TryWrite(ref writer, new StopSendingFrame(stream.Id, stop)))
            {
                return false;
            }

            records = _records.Add(records, new() { Kind = RecordKind.StopSending, Stream = stream });
        }

        stream.News &= ~StreamNews.StopSending;
        if ((stream.News & StreamNews.MaxStreamData) != 0 && stream.Receive is { FinalSize: < 0, StopCode: null } receive)
        {
            if (!TryWrite(ref writer, new MaxStreamDataFrame(stream.Id, receive.Window.Limit)))
            {
                return false;
            }

            records = _records.Add(records, new() { Kind = RecordKind.MaxStreamData, Stream = stream });
        }

        stream.News &= ~StreamNews.MaxStreamData;
        if ((stream.News & StreamNews.StreamDataBlocked) != 0 && stream.Send is { IsBlocked: true } blocked
            && !TryWrite(ref writer, new StreamDataBlockedFrame(stream.Id, blocked.Limit)))
        {
            return false;
        }

        stream.News = StreamNews.None;
        return true;
    }

    private void WriteDatagrams(ref WireWriter writer)
    {
        while (!_datagramsOut.IsEmpty)
        {
            var length = _datagramsOut.NextLength;
            if (DatagramFrame.Overhead(length) + length > writer.Room)
            {
                //= spec/streams.md#datagram-size
                if (length > MaxDatagramPayload)
                {
                    _datagramsOut.Drop();
                    DatagramsDropped++;
                    continue;
                }

                return;
            }

            writer.WriteByte(FrameType.DatagramWithLength);
            writer.WriteQuicVarint(length);
            _datagramsOut.Take(writer.Take(length));
        }
    }

    private void WriteLost(ref WireWriter writer, ref int records)
    {
        while (_lostQueue.TryPeek(out var stream))
        {
            if (stream.Send is { HasLost: true } && !TryWritePiece(ref writer, ref records, stream, 0))
            {
                return;
            }

            if (stream.Send is not { HasLost: true })
            {
                stream.InLostQueue = false;
                _lostQueue.Dequeue();
                QueueNew(stream);
            }
        }
    }

    /// <summary>Gives each stream with new bytes its turn, until the packet is full.</summary>
    private void WriteNew(ref WireWriter writer, ref int records)
    {
        for (var turns = _newQueue.Count; turns > 0; turns--)
        {
            var stream = _newQueue.Peek();
            if (stream.Send is { HasNew: true } && !TryWritePiece(ref writer, ref records, stream, SendCredit) && writer.Room < MinRoom(stream))
            {
                return;
            }

            _newQueue.Dequeue();
            stream.InNewQueue = false;
            QueueNew(stream);
        }
    }

    private bool TryWritePiece(ref WireWriter writer, ref int records, StreamState stream, long credit)
    {
        var send = stream.Send!;
        var room = writer.Room - StreamFrame.HeaderLength(stream.Id, send.NextOffset, Math.Max(writer.Room, 0));
        if (writer.Room < MinRoom(stream) || !send.TryTake(room, credit, out var piece))
        {
            return false;
        }

        StreamFrame.WriteHeader(ref writer, stream.Id, piece.Offset, piece.Length, piece.Fin);
        send.Copy(piece.Offset, writer.Take(piece.Length));
        _sentTotal += piece.IsNew ? piece.Length : 0;
        records = _records.Add(records, new()
        {
            Kind = RecordKind.Stream,
            Stream = stream,
            Offset = piece.Offset,
            Length = piece.Length,
            Fin = piece.Fin,
        });
        return true;
    }

    private static int MinRoom(StreamState stream)
        => StreamFrame.HeaderLength(stream.Id, stream.Send!.NextOffset, LeastPiece) + 1 + LeastPiece;

    private static bool Fits<TFrame>(in WireWriter writer, TFrame frame)
        where TFrame : struct, IFrame<TFrame>
        => frame.EncodedLength <= writer.Room;

    private static void Write<TFrame>(ref WireWriter writer, TFrame frame)
        where TFrame : struct, IFrame<TFrame>
        => frame.WriteTo(ref writer);

    private static bool TryWrite<TFrame>(ref WireWriter writer, TFrame frame)
        where TFrame : struct, IFrame<TFrame>
    {
        if (!Fits(writer, frame))
        {
            return false;
        }

        frame.WriteTo(ref writer);
        return true;
    }
}
