using PacketSec.Protocol.Streams.Frames;
using PacketSec.Protocol.Streams.Recovery;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Streams;

/// <summary>The way of a packet received.</summary>
internal sealed partial class ConnectionMachine
{
    /// <summary>How long packets without HELLO may be late ones of a connection that has ended, 3 s, and how many are overlooked after that.</summary>
    private const long StrangeFor = 3_000_000_000;
    private const int StrangePackets = 16;

    /// <summary>Packets that ask for an acknowledgement and draw one at once.</summary>
    //= rfc9000#section-13.2.2
    private const int PacketsPerAck = 2;

    private const long SilenceLeast = 1_000_000_000;

    private Incarnation _peerIncarnation;
    private long _peerSession = long.MinValue;
    private int _strangePackets;
    private long _closingPackets;
    private long _lastReceivedAt;
    private long _largestReceivedAt;
    private int _unacknowledged;
    private bool _ackAtOnce;
    private long _ackAt = Never;
    private bool _silenceArmed;
    private bool _elicitingSentSinceReceived;

    /// <summary>Takes a packet that a session has opened.</summary>
    /// <param name="now">The time.</param>
    /// <param name="session">The session's number; a newer session has a larger one.</param>
    /// <param name="payload">The payload.</param>
    public PacketVerdict HandlePacket(Instant now, long session, ReadOnlySpan<byte> payload)
    {
        _tracer?.Received(now.Nanoseconds, payload);
        var verdict = Take(now.Nanoseconds, session, payload);
        _tracer?.Taken(verdict);
        return verdict;
    }

    private PacketVerdict Take(long time, long session, ReadOnlySpan<byte> payload)
    {
        if (!IsAlive)
        {
            AnswerClosing();
            return PacketVerdict.Over;
        }

        _helloRead = false;
        var reader = new WireReader(payload);
        var numbered = reader.TryReadQuicVarint(out var number);
        var verdict = numbered ? Greet(time, session, ref reader) : NoNumber(time, session);
        if (verdict != PacketVerdict.Processed)
        {
            return verdict;
        }

        //= spec/streams.md#packet-numbers
        if (_received.Contains(number))
        {
            return PacketVerdict.Duplicate;
        }

        verdict = HandleFrames(time, ref reader, out var eliciting);
        if (verdict == PacketVerdict.Processed)
        {
            NoteReceived(time, number, eliciting);
            CloseIfDone(time);
        }

        return verdict;
    }

    private void AnswerClosing()
    {
        //= rfc9000#section-10.2.1
        if (State == ConnectionState.Closing && long.IsPow2(++_closingPackets))
        {
            _closePending = true;
        }
    }

    private PacketVerdict NoNumber(long now, long session)
        => _sessions.HelloSeen(session)
            ? Violate(now, StreamError.FrameEncoding, 0, "A packet has no number.")
            : Strange(now, plain: true);

    /// <summary>Takes the HELLO that a packet may begin with, and decides whether the rest is meant for this connection.</summary>
    //= spec/streams.md#hello-first
    private PacketVerdict Greet(long now, long session, scoped ref WireReader reader)
    {
        var ahead = reader;
        if (!ahead.TryReadByte(out var type) || type != FrameType.Hello)
        {
            return _sessions.HelloSeen(session) ? PacketVerdict.Processed : Strange(now, !LooksLikeFrames(reader));
        }

        if (!HelloFrame.TryRead(type, ref ahead, out var hello))
        {
            return _peerIncarnation == Incarnation.None
                ? Strange(now, plain: true)
                : Violate(now, StreamError.TransportParameter, FrameType.Hello, "A HELLO is badly formed.");
        }

        //= spec/streams.md#hello-other-version
        if (hello.Version != HelloFrame.CurrentVersion)
        {
            BeginClosing(
                now, CloseCause.PeerOfAnotherVersion, (long)StreamError.Version, false, FrameType.Hello, $"Version {HelloFrame.CurrentVersion} is spoken here.");
            return PacketVerdict.Violation;
        }

        //= spec/streams.md#incarnation-believed
        if (hello.Believed != Incarnation.None && hello.Believed != OwnIncarnation)
        {
            //= spec/streams.md#incarnation-shown
            _pingPending = true;
            return PacketVerdict.OtherIncarnation;
        }

        if (_peerIncarnation == Incarnation.None)
        {
            _peerIncarnation = hello.Own;
            TakeParameters(hello.Parameters);
        }
        else if (hello.Own != _peerIncarnation)
        {
            //= spec/streams.md#incarnation-changed
            if (session <= _peerSession)
            {
                return PacketVerdict.OtherIncarnation;
            }

            End(CloseCause.PeerRestarted, 0);
            return PacketVerdict.PeerRestarted;
        }

        _peerSession = Math.Max(_peerSession, session);
        _sessions.NoteHello(session);
        reader = ahead;
        _helloRead = true;
        return PacketVerdict.Processed;
    }

    /// <summary>Judges a packet on a session without HELLO: a late one of an older connection, or no packet of streams at all.</summary>
    //= spec/streams.md#peer-without-streams
    private PacketVerdict Strange(long now, bool plain)
    {
        if (_peerIncarnation == Incarnation.None && (plain || (now - _begunAt > StrangeFor && ++_strangePackets > StrangePackets)))
        {
            End(CloseCause.PeerWithoutStreams, 0);
        }

        return PacketVerdict.NoHello;
    }

    private void TakeParameters(in TransportParameters parameters)
    {
        PeerParameters = parameters;
        State = ConnectionState.Open;
        _sendLimit = Math.Max(_sendLimit, parameters.MaxData);
        _table.SendLimit = parameters.MaxStreamData;
        _events.Enqueue(new(StreamEventKind.Opened));
        if (_table.RaiseOwnLimit(true, parameters.MaxStreamsBidirectional) | _table.RaiseOwnLimit(false, parameters.MaxStreamsUnidirectional))
        {
            _events.Enqueue(new(StreamEventKind.StreamsAvailable));
        }

        foreach (var stream in _table.All)
        {
            if (stream.Send is { } send)
            {
                send.Limit = Math.Max(send.Limit, parameters.MaxStreamData);
                QueueNew(stream);
            }
        }
    }

    private void NoteReceived(long now, long number, bool eliciting)
    {
        var inOrder = number == _received.Largest + 1;
        if (number > _received.Largest)
        {
            _largestReceivedAt = now;
        }

        _received.Add(number);
        _lastReceivedAt = now;
        _idleBase = now;
        _elicitingSentSinceReceived = false;
        if (!eliciting)
        {
            return;
        }

        //= spec/streams.md#ack-per-batch
        //= rfc9000#section-13.2.1
        _unacknowledged++;
        _ackAtOnce |= !inOrder || _unacknowledged >= PacketsPerAck;
        _ackAt = _ackAtOnce ? Never : Math.Min(_ackAt, now + RttEstimator.MaxAckDelay);
    }

    private PacketVerdict HandleFrames(long now, scoped ref WireReader reader, out bool eliciting)
    {
        eliciting = _helloRead;
        var any = _helloRead;
        while (reader.TryReadByte(out var type))
        {
            any = true;
            eliciting |= type is not (FrameType.Padding or FrameType.Ack or FrameType.ConnectionClose or FrameType.ApplicationClose);
            var verdict = HandleFrame(now, type, ref reader);
            if (verdict != PacketVerdict.Processed)
            {
                return verdict;
            }

            if (!IsAlive)
            {
                return PacketVerdict.Processed;
            }
        }

        //= rfc9000#section-12.4
        return any ? PacketVerdict.Processed : Violate(now, StreamError.ProtocolViolation, 0, "A packet has no frame.");
    }

    private PacketVerdict HandleFrame(long now, byte type, scoped ref WireReader reader)
    {
        switch (type)
        {
            case FrameType.Padding:
                return PaddingFrame.TryRead(type, ref reader, out _) ? PacketVerdict.Processed : Malformed(now, type);
            case FrameType.Ping:
                return PacketVerdict.Processed;
            case FrameType.Ack:
                return AckFrame.TryRead(type, ref reader, out var ack) ? OnAck(now, ack) : Malformed(now, type);
            case FrameType.ResetStream:
                return ResetStreamFrame.TryRead(type, ref reader, out var reset) ? OnResetStream(now, reset) : Malformed(now, type);
            case FrameType.StopSending:
                return StopSendingFrame.TryRead(type, ref reader, out var stop) ? OnStopSending(now, stop) : Malformed(now, type);
            case >= FrameType.Stream and <= FrameType.StreamLast:
                return StreamFrame.TryRead(type, ref reader, out var data) ? OnStream(now, type, data) : Malformed(now, type);
            case FrameType.MaxData:
                return MaxDataFrame.TryRead(type, ref reader, out var maxData) ? OnMaxData(maxData) : Malformed(now, type);
            case FrameType.MaxStreamData:
                return MaxStreamDataFrame.TryRead(type, ref reader, out var maxStream) ? OnMaxStreamData(now, maxStream) : Malformed(now, type);
            case FrameType.MaxStreamsBidirectional or FrameType.MaxStreamsUnidirectional:
                return MaxStreamsFrame.TryRead(type, ref reader, out var maxStreams) ? OnMaxStreams(maxStreams) : Malformed(now, type);
            case FrameType.DataBlocked:
                return DataBlockedFrame.TryRead(type, ref reader, out _) ? PacketVerdict.Processed : Malformed(now, type);
            case FrameType.StreamDataBlocked:
                return StreamDataBlockedFrame.TryRead(type, ref reader, out var blocked) ? OnStreamDataBlocked(now, blocked) : Malformed(now, type);
            case FrameType.StreamsBlockedBidirectional or FrameType.StreamsBlockedUnidirectional:
                return StreamsBlockedFrame.TryRead(type, ref reader, out _) ? PacketVerdict.Processed : Malformed(now, type);
            case FrameType.ConnectionClose or FrameType.ApplicationClose:
                return ConnectionCloseFrame.TryRead(type, ref reader, out var close) ? OnClose(now, close) : Malformed(now, type);
            case FrameType.Datagram or FrameType.DatagramWithLength:
                return DatagramFrame.TryRead(type, ref reader, out var datagram) ? OnDatagram(now, type, datagram) : Malformed(now, type);
            case FrameType.Hello:
                return Violate(now, StreamError.ProtocolViolation, type, "A HELLO is not the first frame.");
            default:
                return Malformed(now, type);
        }
    }

    //= spec/streams.md#frame-strict
    private PacketVerdict Malformed(long now, byte type) => Violate(now, StreamError.FrameEncoding, type, "A frame is badly formed or unknown.");

    private PacketVerdict OnAck(long now, scoped in AckFrame frame)
    {
        if (!_recovery.OnAck(now, frame))
        {
            return Violate(now, StreamError.ProtocolViolation, FrameType.Ack, "A packet is acknowledged that was never sent.");
        }

        DrainSettled(now);
        return PacketVerdict.Processed;
    }

    private PacketVerdict OnClose(long now, scoped in ConnectionCloseFrame frame)
    {
        //= spec/streams.md#close-drains
        //= rfc9000#section-10.2.2
        _closeByApplication = frame.ByApplication;
        _closeReason = frame.Reason[..Math.Min(frame.Reason.Length, MaxReason)].ToArray();
        End(CloseCause.Peer, frame.ErrorCode);
        State = ConnectionState.Draining;
        _closeAt = now + (CloseTimeouts * _recovery.Rtt.ProbeTimeout);
        return PacketVerdict.Processed;
    }

    private PacketVerdict OnDatagram(long now, byte type, scoped in DatagramFrame frame)
    {
        //= rfc9221#section-3
        if (frame.Data.Length > _ownParameters.MaxDatagramSize)
        {
            return Violate(now, StreamError.ProtocolViolation, type, "A datagram is longer than was permitted.");
        }

        //= spec/streams.md#datagram-bound
        if (!_datagramsIn.TryAdd(frame.Data))
        {
            DatagramsDropped++;
        }
        else if (!_datagramTold)
        {
            _datagramTold = true;
            _events.Enqueue(new(StreamEventKind.Datagram));
        }

        return PacketVerdict.Processed;
    }

    /// <summary>Tells whether bytes read as frames to their end.</summary>
    private static bool LooksLikeFrames(WireReader reader)
        => !reader.IsAtEnd && FrameWalk.TryRead(reader, out var kinds) && (kinds & FrameKinds.Hello) == 0;
}
