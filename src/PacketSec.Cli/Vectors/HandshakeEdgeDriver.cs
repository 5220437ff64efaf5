using System.Text.Json;
using PacketSec.Crypto;
using PacketSec.Protocol;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.P2pke;
using PacketSec.Protocol.Wire;

namespace PacketSec.Cli.Vectors;

/// <summary>What one datagram drew from the machines.</summary>
/// <param name="Sent">The datagrams sent.</param>
/// <param name="Payloads">The payloads delivered.</param>
/// <param name="ClosedByPeer">Whether the peer has closed the channel.</param>
internal sealed record Drawn(IReadOnlyList<byte[]> Sent, IReadOnlyList<byte[]> Payloads, bool ClosedByPeer)
{
    public bool IsOnly(byte[] datagram) => Payloads.Count == 0 && !ClosedByPeer && Sent is [var only] && only.AsSpan().SequenceEqual(datagram);

    /// <summary>Whether it is one packet of the first data counter from the responder without a payload.</summary>
    public bool IsOnlyEmptyPacket()
        => Payloads.Count == 0 && !ClosedByPeer && Sent is [var only] && only.Length == PacketHeader.Size + AeadContext.TagSize
            && PacketHeader.TryRead(only, out var header) && header == new PacketHeader(Direction.ResponderToInitiator, PacketCounter.FirstData);
}

/// <summary>
/// One side of a published session as live machines: its keys, its ephemeral key and its clock are the file's. Time stands still, so that
/// nothing is sent but in answer.
/// </summary>
internal sealed class HandshakeEdgeDriver : IDisposable
{
    private static readonly PathAddress Path = new(default, new NetworkAddress(1, 4001));
    private static readonly Instant Now = new(0);

    private readonly ICryptoProvider _crypto;
    private readonly IRandomSource _random;
    private readonly WallClock _clock;
    private readonly IdentityKey _identity;
    private readonly PacketAead _aead;
    private readonly byte[] _buffer = new byte[ImplementationLimits.MaxUdpPayload];
    private readonly EndpointMachine? _endpoint;
    private PeerMachine? _peer;
    private PeerHandle _handle;

    public HandshakeEdgeDriver(ICryptoProvider crypto, JsonElement session, bool isResponder)
    {
        _crypto = crypto;
        _random = new FixedSource(session.Hex(isResponder ? "responder_ephemeral_private" : "initiator_ephemeral_private"));
        _clock = new WallClock(Now, TimeSpan.FromSeconds(session.GetProperty("unix_seconds").GetInt64()));
        _identity = IdentityKey.FromSeed(session.Hex(isResponder ? "responder_seed" : "initiator_seed"), crypto);
        _aead = new PacketAead(crypto);
        if (isResponder)
        {
            _endpoint = new EndpointMachine(new EndpointMachineOptions
            {
                Crypto = crypto,
                Random = _random,
                Identity = _identity,
                DirectScheme = P2pkeScheme.SchemeName,
            });
            return;
        }

        using var responder = IdentityKey.FromSeed(session.Hex("responder_seed"), crypto);
        _peer = NewPeer(responder.PeerId);
        _peer.Connect(Now, Path);
        if (!Drain([], []).IsOnly(session.Hex("init_hello")))
        {
            throw new InvalidOperationException("The InitHello is not the published one.");
        }
    }

    /// <summary>Gives a datagram to the machines as a driver does, and collects what it draws.</summary>
    public Drawn Feed(byte[] datagram)
    {
        List<byte[]> payloads = [];
        var plaintext = new byte[datagram.Length];
        var unclaimed = _peer is null;
        if (_peer is not null)
        {
            var received = _peer.HandleDatagram(Now, _aead, Path, datagram, plaintext);
            unclaimed = received.Kind == ReceivedKind.Unclaimed;
            if (received.Kind == ReceivedKind.Payload)
            {
                payloads.Add(received.Payload.ToArray());
            }
        }

        if (unclaimed)
        {
            _endpoint?.HandleDatagram(Now, Path, datagram);
        }

        return Drain([], payloads);
    }

    public void Dispose()
    {
        _peer?.Dispose();
        _endpoint?.Dispose();
        _aead.Dispose();
        _identity.Dispose();
    }

    private PeerMachine NewPeer(PeerId remote) => new(new PeerMachineOptions
    {
        Crypto = _crypto,
        Random = _random,
        Identity = _identity,
        RemotePeer = remote,
        WallClock = _clock,
    });

    private Drawn Drain(List<byte[]> sent, List<byte[]> payloads)
    {
        while (RunEndpoint(sent, payloads) | RunPeer(sent))
        {
        }

        // This side never closes: only the peer can have done it.
        return new(sent, payloads, _peer is { IsClosing: true });
    }

    private bool RunEndpoint(List<byte[]> sent, List<byte[]> payloads)
    {
        var progress = false;
        while (_endpoint?.TryTakeWork(out var work) == true)
        {
            work!.Run();
            _endpoint.Complete(Now, work);
            progress = true;
        }

        while (_endpoint?.TryPollEvent(out var happened) == true)
        {
            if (happened is EndpointEvent.SessionEstablished established)
            {
                Adopt(established.Peer, established.Session, payloads);
            }

            progress = true;
        }

        while (_endpoint?.TryPollTransmit(_buffer, out var transmit) == true)
        {
            sent.Add(_buffer[..transmit.Length]);
        }

        return progress;
    }

    private void Adopt(PeerHandle handle, EstablishedSession session, List<byte[]> payloads)
    {
        _handle = handle;
        _peer ??= NewPeer(session.RemotePeer);
        _peer.Adopt(Now, session);
        while (_peer.TryPollEarlyDatagram(Now, _aead, _buffer, out var length))
        {
            payloads.Add(_buffer[..length]);
        }
    }

    private bool RunPeer(List<byte[]> sent)
    {
        var progress = false;
        while (_peer?.TryTakeWork(out var work) == true)
        {
            work!.Run();
            _peer.Complete(Now, work);
            progress = true;
        }

        while (_peer?.TryPollEvent(out var happened) == true)
        {
            if (happened is PeerEvent.RouteChanged route)
            {
                _endpoint?.HandleRouteChange(_handle, route);
            }

            progress = true;
        }

        while (_peer?.TryPollTransmit(Now, _aead, _buffer, out var transmit) == true)
        {
            sent.Add(_buffer[..transmit.Length]);
        }

        return progress;
    }

    /// <summary>Gives the ephemeral key of the file to whoever asks for a key, and zeros to whoever asks for jitter.</summary>
    private sealed class FixedSource(byte[] ephemeral) : IRandomSource
    {
        public void Fill(Span<byte> destination)
        {
            destination.Clear();
            if (destination.Length == ephemeral.Length)
            {
                ephemeral.CopyTo(destination);
            }
        }
    }
}
