using PacketSec.Crypto;
using PacketSec.Protocol;

namespace PacketSec.Simulation.Reference;

/// <summary>
/// One channel of the reference: two half-channels that know nothing of each other. The outbound half takes what carries the responder's direction bit,
/// the inbound half the rest.
/// </summary>
internal sealed class ReferenceChannel
{
    private static readonly TimeSpan ResendInterval = TimeSpan.FromMilliseconds(250);

    private readonly SimulatedReference _process;
    private readonly byte[]? _expectedKey;
    private readonly Queue<byte[]> _waiting = [];
    private readonly List<byte[]> _spinning = [];
    private ReferenceSession _outbound;
    private ReferenceSession _inbound;
    private byte[]? _lastInitHello;
    private byte[]? _remoteKey;
    private Instant? _resendAt;
    private Instant? _overflowAt;

    public ReferenceChannel(SimulatedReference process, NetworkAddress remote, byte[]? expectedKey)
    {
        _process = process;
        _expectedKey = expectedKey;
        Remote = remote;
        _outbound = process.NewSession(isInitiator: true);
        _inbound = process.NewSession(isInitiator: false);
    }

    public NetworkAddress Remote { get; }

    public bool IsReady => _outbound.IsReady || _inbound.IsReady;

    public bool IsOutboundReady => _outbound.IsReady;

    public bool IsInboundReady => _inbound.IsReady;

    /// <summary>Gets the number of sends that wait until a half is ready.</summary>
    public int Waiting => _waiting.Count;

    public Instant? NextDeadline => _resendAt is { } resend && (_overflowAt is not { } overflow || resend < overflow) ? resend : _overflowAt;

    /// <summary>Begins to wait until a half is ready, and calls the other side meanwhile.</summary>
    public void WaitReady(Instant now)
    {
        if (!IsReady)
        {
            Call(now);
        }
    }

    /// <summary>Sends, or waits to send.</summary>
    /// <returns>False when the send failed with an error, which the reference's caller sees.</returns>
    public bool Send(Instant now, byte[] payload)
    {
        if (!_outbound.IsReady)
        {
            // Unless both halves are ready every single send calls as well.
            Call(now);
        }

        if (IsReady)
        {
            return SendReady(now, payload);
        }

        _waiting.Enqueue(payload);
        return true;
    }

    public void OnTimeout(Instant now)
    {
        if (_overflowAt <= now)
        {
            _process.Die("the stack overflowed: data came for a half that is not ready");
            return;
        }

        if (_resendAt <= now)
        {
            Call(now);
        }
    }

    public void Deliver(Instant now, ReadOnlySpan<byte> datagram)
    {
        if (datagram.Length < 4)
        {
            return;
        }

        var outbound = Network.Header.FromResponder(datagram);
        if (!outbound && Network.Header.Counter(datagram) == 0)
        {
            var hash = new byte[64];
            _process.Keys.Crypto.Hash(HashAlgorithm.Blake2b, datagram, [], hash);
            if (_lastInitHello is not null && hash.AsSpan().SequenceEqual(_lastInitHello))
            {
                return;
            }

            // The live session is gone before anything of the message is looked at.
            _lastInitHello = hash;
            _inbound = _process.NewSession(isInitiator: false);
        }

        var session = outbound ? _outbound : _inbound;
        if (Network.Header.Counter(datagram) >= Network.Header.FirstData && !session.IsReady)
        {
            Spin(now, datagram);
            return;
        }

        var wasReady = session.IsReady;
        Act(now, session.Deliver(now, datagram), outbound, becameReady: !wasReady && session.IsReady);
    }

    private void Act(Instant now, in ReferenceResult result, bool outbound, bool becameReady)
    {
        switch (result.Outcome)
        {
            case ReferenceOutcome.Panic:
                _process.Die(result.Reason!);
                return;
            case ReferenceOutcome.Error:
                _process.Errors++;
                return;
            case ReferenceOutcome.Data:
                _process.OnPayload(Remote, result.Data!);
                return;
            case ReferenceOutcome.Ok:
            default:
                break;
        }

        if (becameReady && !Admit((outbound ? _outbound : _inbound).RemoteKey!))
        {
            _process.Errors++;
            Reset(outbound);
            return;
        }

        if (result.Reply is { } reply)
        {
            _process.Transmit(Remote, reply);
        }

        if (becameReady)
        {
            BecomeReady(now);
        }
    }

    private void BecomeReady(Instant now)
    {
        _resendAt = null;
        var spinning = _spinning.ToArray();
        _spinning.Clear();
        _overflowAt = null;
        while (_waiting.TryDequeue(out var payload))
        {
            SendReady(now, payload);
        }

        foreach (var datagram in spinning)
        {
            Deliver(now, datagram);
        }
    }

    private bool Admit(byte[] key)
    {
        _remoteKey ??= _expectedKey is null || key.AsSpan().SequenceEqual(_expectedKey) ? key : null;
        return _remoteKey is not null && key.AsSpan().SequenceEqual(_remoteKey);
    }

    private void Reset(bool outbound)
    {
        if (outbound)
        {
            _outbound = _process.NewSession(isInitiator: true);
        }
        else
        {
            _inbound = _process.NewSession(isInitiator: false);
        }
    }

    private bool SendReady(Instant now, byte[] payload)
    {
        var session = (_outbound.IsReady, _inbound.IsReady) switch
        {
            (true, true) => _process.Random.Next(2) == 0 ? _outbound : _inbound,
            (true, false) => _outbound,
            _ => _inbound,
        };
        if (session.Send(now, payload) is not { } datagram)
        {
            _process.ExpiredSends++;
            return false;
        }

        _process.LateSends += session.IsExpired(now + TimeSpan.FromSeconds(1)) ? 1 : 0;
        _process.Transmit(Remote, datagram);
        return true;
    }

    private void Call(Instant now)
    {
        if (!_outbound.IsReady && _outbound.Handshake(now) is { } message)
        {
            _process.Transmit(Remote, message);
        }

        _resendAt = IsReady ? null : now + ResendInterval;
    }

    private void Spin(Instant now, ReadOnlySpan<byte> datagram)
    {
        if (_process.StackLasts == TimeSpan.Zero)
        {
            _process.Die($"data {Network.Header.Describe(Network.Header.Read(datagram))} came for a half that is not ready");
            return;
        }

        _spinning.Add(datagram.ToArray());
        _overflowAt ??= now + _process.StackLasts;
    }
}
