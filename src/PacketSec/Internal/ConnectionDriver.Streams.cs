using PacketSec.Protocol.Streams;

namespace PacketSec.Internal;

/// <content>What the application's calls come to.</content>
internal sealed partial class ConnectionDriver
{
    private const int CloseTurns = 50;
    private static readonly TimeSpan CloseTurn = TimeSpan.FromMilliseconds(1);

    public int MaxDatagramPayload
    {
        get
        {
            lock (Gate)
            {
                return _machine.MaxDatagramPayload;
            }
        }
    }

    public async ValueTask<PacketSecStream> OpenAsync(bool bidirectional, CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            PacketSecStream? stream = null;
            Task? wait = null;
            lock (Gate)
            {
                ThrowIfEnded();
                if (_machine.TryOpen(bidirectional) is { } state)
                {
                    stream = Adopt(state);
                }
                else
                {
                    _streamsAvailable ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
                    wait = _streamsAvailable.Task;
                }
            }

            if (stream is not null)
            {
                return stream;
            }

            Pump(BatchesOnWrite);
            await wait!.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public async ValueTask<PacketSecStream> AcceptAsync(CancellationToken cancellationToken)
        => await AcceptOrEndAsync(cancellationToken).ConfigureAwait(false) ?? throw EndError();

    /// <summary>Waits for a stream of the peer; null at the connection's end.</summary>
    public async ValueTask<PacketSecStream?> AcceptOrEndAsync(CancellationToken cancellationToken)
    {
        while (await _accepted.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (_accepted.Reader.TryRead(out var stream))
            {
                return stream;
            }
        }

        return null;
    }

    /// <summary>Reads what is there, 0 bytes at the end; an empty destination tells whether there is something. False when it has to wait first.</summary>
    /// <exception cref="PacketSecConnectionException">The peer has given the stream up, or the connection has ended and nothing is left.</exception>
    public bool TryRead(PacketSecStream owner, StreamState state, Span<byte> destination, out int count, CancellationToken cancellationToken, out ValueTask wait)
    {
        bool wantsToSend;
        wait = default;
        lock (Gate)
        {
            owner.Readable.ThrowIfBusy();
            owner.ThrowIfDisposed();
            ThrowIfGivenUp(state);
            count = _machine.Read(Now, state, destination, out var ended);
            if (count == 0 && !ended && (!destination.IsEmpty || state.Receive!.Readable == 0))
            {
                ThrowIfEnded();
                wait = owner.Readable.WaitAsync(cancellationToken);
                return false;
            }

            if (count == 0 && ended && state.Receive!.ResetCode is { } code)
            {
                Dispatch();
                throw PacketSecConnectionException.OfReset(code, state.Id);
            }

            Dispatch();
            wantsToSend = _machine.WantsToSend;
        }

        if (wantsToSend)
        {
            Pump(BatchesOnWrite);
        }

        return true;
    }

    /// <summary>Lends what is there, if that is more than the application has examined already. False when it has to wait first.</summary>
    public bool TryPeek(PacketSecStream owner, StreamState state, long examined, CancellationToken cancellationToken, out LentBytes lent, out ValueTask wait)
    {
        wait = default;
        lock (Gate)
        {
            if (PeekUnderGate(owner, state, examined, out lent))
            {
                return true;
            }

            wait = owner.Readable.WaitAsync(cancellationToken);
            return false;
        }
    }

    /// <summary>Lends what is there, if that is more than the application has examined already.</summary>
    public bool TryPeekNow(PacketSecStream owner, StreamState state, long examined, out LentBytes lent)
    {
        lock (Gate)
        {
            return PeekUnderGate(owner, state, examined, out lent);
        }
    }

    /// <summary>The application reads no more.</summary>
    public void GiveUpReading(StreamState state)
    {
        if (state.Receive is not { IsDone: true })
        {
            StopSending(state, 0);
        }
    }

    /// <summary>The application lets a stream go.</summary>
    public void Release(PacketSecStream owner, StreamState state)
    {
        lock (Gate)
        {
            if (state.Send is { IsFinished: false, ResetCode: null })
            {
                _machine.Finish(state);
            }

            if (state.Receive is { IsDone: false })
            {
                _machine.StopSending(Now, state, 0);
            }

            owner.Readable.Set();
            owner.Writable.Set();
            Dispatch();
        }

        Pump(BatchesOnWrite);
    }

    /// <summary>
    /// Lets bytes go that were lent. Where the application has seen all that was lent and cannot go on without more, false says that more cannot come: the
    /// window has its largest size, and is full.
    /// </summary>
    public bool TryAdvance(StreamState state, long consumed, long examined, bool needsMore)
    {
        bool extended;
        bool wantsToSend;
        lock (Gate)
        {
            // What was lent is gone when the peer has given the stream up meanwhile.
            _machine.Advance(Now, state, Math.Min(consumed, state.Receive!.Readable));
            if (state.Receive is { IsComplete: true, Readable: 0, ResetCode: null })
            {
                // With the last bytes the application has had the end too.
                _machine.Read(Now, state, default, out _);
            }

            extended = !needsMore || _machine.TryExtend(state, examined);
            Dispatch();
            wantsToSend = _machine.WantsToSend;
        }

        if (wantsToSend)
        {
            Pump(BatchesOnWrite);
        }

        return extended;
    }

    /// <summary>Takes bytes to send, and returns how many; with fewer than given, it has to wait before the rest.</summary>
    public int Write(PacketSecStream owner, StreamState state, ReadOnlySpan<byte> source, CancellationToken cancellationToken, out ValueTask wait)
    {
        int taken;
        wait = default;
        lock (Gate)
        {
            owner.Writable.ThrowIfBusy();
            owner.ThrowIfDisposed();
            ThrowIfNotSending(state);
            taken = _machine.Write(state, source);
            if (taken < source.Length)
            {
                wait = owner.Writable.WaitAsync(cancellationToken);
            }
        }

        Pump(BatchesOnWrite);
        return taken;
    }

    /// <summary>Takes bytes to send that stand in lent room. False when the application has to wait before it goes on.</summary>
    public bool TryCommit(PacketSecStream owner, StreamState state, int count, CancellationToken cancellationToken, out ValueTask wait)
    {
        bool room;
        wait = default;
        lock (Gate)
        {
            owner.Writable.ThrowIfBusy();
            owner.ThrowIfDisposed();
            ThrowIfNotSending(state);
            _machine.Commit(state, count);
            room = _machine.HasRoom(state);
            if (!room)
            {
                wait = owner.Writable.WaitAsync(cancellationToken);
            }
        }

        Pump(BatchesOnWrite);
        return room;
    }

    public bool TryReserve(StreamState state, int ahead, int least, out Memory<byte> room)
    {
        lock (Gate)
        {
            return _machine.TryReserve(state, ahead, least, out room);
        }
    }

    /// <summary>Ends a stream's sending direction.</summary>
    public void Finish(StreamState state)
    {
        lock (Gate)
        {
            if (state.Send is { IsFinished: false, ResetCode: null })
            {
                _machine.Finish(state);
            }
        }

        Pump(BatchesOnWrite);
    }

    public void Reset(StreamState state, long code)
    {
        lock (Gate)
        {
            _machine.Reset(state, code);
            (state.Owner as PacketSecStream)?.Writable.Set();
            Dispatch();
        }

        Pump(BatchesOnWrite);
    }

    public void StopSending(StreamState state, long code)
    {
        lock (Gate)
        {
            _machine.StopSending(Now, state, code);
            (state.Owner as PacketSecStream)?.Readable.Set();
            Dispatch();
        }

        Pump(BatchesOnWrite);
    }

    /// <summary>Takes a datagram to send.</summary>
    /// <returns>False when too many wait.</returns>
    public bool TrySendDatagram(ReadOnlySpan<byte> payload)
    {
        lock (Gate)
        {
            ThrowIfEnded();
            switch (_machine.SendDatagram(payload))
            {
                case DatagramResult.TooLarge:
                    throw PacketSecConnectionException.OfDatagram(payload.Length, _machine.MaxDatagramPayload);
                case DatagramResult.Full:
                    return false;
                default:
                    break;
            }
        }

        Pump(BatchesOnWrite);
        return true;
    }

    public bool TryReceiveDatagram(Span<byte> destination, out int length, CancellationToken cancellationToken, out ValueTask wait)
    {
        wait = default;
        length = 0;
        lock (Gate)
        {
            DatagramSignal.ThrowIfBusy();
            if (_machine.WaitingDatagram is var waiting && waiting >= 0)
            {
                return waiting <= destination.Length
                    ? _machine.TryReceiveDatagram(destination, out length)
                    : throw PacketSecConnectionException.OfBuffer(waiting, destination.Length);
            }

            ThrowIfEnded();
            wait = DatagramSignal.WaitAsync(cancellationToken);
            return false;
        }
    }

    /// <summary>Ends the connection, and the channel with it unless the peer has begun another connection on it.</summary>
    public async ValueTask CloseAsync(long code, string reason)
    {
        lock (Gate)
        {
            _machine.Close(Now, code, reason);
            _disposed = true;
            Dispatch();
        }

        await SendCloseAsync().ConfigureAwait(false);
        if (Successor is null)
        {
            await _channel.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Sends the close before the channel's own end takes its sessions: also where another thread pumps and this one would only leave it a note. Without a
    /// session the peer learns nothing either way, so the wait has a bound.
    /// </summary>
    private async ValueTask SendCloseAsync()
    {
        Pump(BatchesOnWrite);
        for (var turn = 0; turn < CloseTurns && (Volatile.Read(ref _pumping) != 0 || HasCloseToSend()); turn++)
        {
            await Task.Delay(CloseTurn).ConfigureAwait(false);
            Pump(BatchesOnWrite);
        }
    }

    private bool HasCloseToSend()
    {
        lock (Gate)
        {
            return _hasCarrier && _machine is { State: ConnectionState.Closing, WantsToSend: true };
        }
    }

    /// <summary>Waits until all that this side sends is acknowledged, and ends the connection then.</summary>
    public async ValueTask ShutdownAsync(CancellationToken cancellationToken)
    {
        lock (Gate)
        {
            ThrowIfEnded();
            _machine.CloseWhenDone(Now);
            Dispatch();
        }

        Pump(BatchesOnWrite);
        var end = await _closed.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        Pump(BatchesOnWrite);
        if (end.Error is not null and not PacketSecConnectionError.ClosedByPeer)
        {
            throw EndError();
        }
    }

    private bool PeekUnderGate(PacketSecStream owner, StreamState state, long examined, out LentBytes lent)
    {
        var receive = state.Receive!;
        lent = default;
        owner.Readable.ThrowIfBusy();
        owner.ThrowIfDisposed();
        ThrowIfGivenUp(state);
        if (receive.ResetCode is { } code)
        {
            _machine.Read(Now, state, default, out _);
            Dispatch();
            throw PacketSecConnectionException.OfReset(code, state.Id);
        }

        var ended = receive.IsComplete;
        if (receive.Readable <= examined && !ended)
        {
            ThrowIfEnded();
            return false;
        }

        receive.Peek(out var first, out var second);
        lent = new(first, second, ended);
        if (ended && receive.Readable == 0)
        {
            _machine.Read(Now, state, default, out _);
            Dispatch();
        }

        return true;
    }

    private void ThrowIfEnded()
    {
        if (_end is not null || _disposed)
        {
            throw EndError();
        }
    }

    private static void ThrowIfGivenUp(StreamState state)
    {
        if (state.Receive!.StopCode is not null)
        {
            throw new InvalidOperationException("Reading was given up by StopSending: nothing comes any more.");
        }
    }

    private void ThrowIfNotSending(StreamState state)
    {
        if (state.Send!.StopCode is { } code)
        {
            throw PacketSecConnectionException.OfStop(code, state.Id);
        }

        ThrowIfEnded();
        if (state.Send.ResetCode is not null)
        {
            throw new InvalidOperationException("Writing was given up by Reset: open another stream.");
        }
    }
}

/// <summary>Bytes of a stream, where they lie.</summary>
/// <param name="First">The first piece.</param>
/// <param name="Second">What follows it, where the ring's end lies between them.</param>
/// <param name="Ended">Whether nothing comes after them.</param>
internal readonly record struct LentBytes(ReadOnlyMemory<byte> First, ReadOnlyMemory<byte> Second, bool Ended);
