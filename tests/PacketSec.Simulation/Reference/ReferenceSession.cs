using System.Buffers.Binary;
using PacketSec.Crypto;
using PacketSec.Protocol;

namespace PacketSec.Simulation.Reference;

/// <summary>What one call did to a session of the reference.</summary>
internal enum ReferenceOutcome
{
    Ok,
    Data,
    Error,

    /// <summary>The process is dead.</summary>
    Panic,
}

/// <summary>An outcome with the answer to send, or the data to deliver.</summary>
internal readonly record struct ReferenceResult(ReferenceOutcome Outcome, byte[]? Reply = null, byte[]? Data = null, string? Reason = null)
{
    public static ReferenceResult Error(string reason) => new(ReferenceOutcome.Error, Reason: reason);

    public static ReferenceResult Panic(string reason) => new(ReferenceOutcome.Panic, Reason: reason);
}

/// <summary>What a session needs from its process.</summary>
internal sealed record ReferenceKeys(ICryptoProvider Crypto, Ed25519PrivateKey Identity, AeadContext Aead)
{
    public byte[] KeyInfo { get; } = ReferenceWire.Ed25519KeyInfo(Identity.PublicKey);
}

/// <summary>One session of the reference, faults included.</summary>
internal sealed class ReferenceSession
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(60);

    private readonly ReferenceKeys _keys;
    private readonly X25519PrivateKey _ephemeral;
    private readonly ReferenceNoise _noise;
    private readonly bool _isInitiator;
    private readonly Instant _created;
    private readonly HashSet<uint> _seen = [];
    private byte[] _ownMessage = [];
    private byte[] _sendKey = [];
    private byte[] _receiveKey = [];
    private int _index;
    private bool _wedged;
    private uint _highest;
    private uint _nextCounter = 16;

    public ReferenceSession(ReferenceKeys keys, bool isInitiator, Instant now, ReadOnlySpan<byte> timestamp, ReadOnlySpan<byte> ephemeral)
    {
        _keys = keys;
        _ephemeral = keys.Crypto.ImportX25519PrivateKey(ephemeral);
        _noise = new(keys.Crypto);
        _isInitiator = isInitiator;
        _created = now;
        if (isInitiator)
        {
            var payload = ReferenceWire.InitHello(timestamp, keys.KeyInfo, Sign("p2pke/timestamp"u8, timestamp));
            _noise.First(_ephemeral.PublicKey, payload);
            _ownMessage = [0, 0, 0, 0, .. _ephemeral.PublicKey, .. payload];
        }
    }

    /// <summary>Gets whether it sends and takes data. An expired session still says so.</summary>
    public bool IsReady => _index >= (_isInitiator ? 2 : 3);

    /// <summary>Gets the remote key that the last handshake message proved, as SubjectPublicKeyInfo.</summary>
    public byte[]? RemoteKey { get; private set; }

    /// <summary>Gets the keys, initiator to responder first; empty before the split.</summary>
    public (byte[] InitiatorToResponder, byte[] ResponderToInitiator) TransportKeys => _isInitiator ? (_sendKey, _receiveKey) : (_receiveKey, _sendKey);

    public bool IsExpired(Instant now) => now - _created > Lifetime;

    /// <summary>Returns the handshake message that the session repeats in its present state, or nothing.</summary>
    public byte[]? Handshake(Instant now) => IsExpired(now) || _index == 3 || _ownMessage.Length == 0 ? null : _ownMessage;

    public byte[]? Send(Instant now, ReadOnlySpan<byte> payload)
    {
        if (IsExpired(now) || !IsReady)
        {
            return null;
        }

        return Seal(_sendKey, (_isInitiator ? 0 : Network.Header.DirectionBit) | _nextCounter++, payload);
    }

    public ReferenceResult Deliver(Instant now, ReadOnlySpan<byte> datagram)
    {
        if (datagram.Length < 4)
        {
            return ReferenceResult.Error("too short to be message");
        }

        if (IsExpired(now))
        {
            return ReferenceResult.Error("session expired");
        }

        var counter = Network.Header.Counter(datagram);
        if (counter > 2)
        {
            return Data(counter, datagram);
        }

        var result = (_isInitiator, _index, counter) switch
        {
            (false, 0, 0) => ReadInitHello(datagram[4..]),
            (true, 0, 1) => ReadRespHello(datagram[4..]),
            (false, 1, 2) => ReadInitDone(datagram),
            _ => default,
        };
        return result.Outcome == ReferenceOutcome.Ok ? new(ReferenceOutcome.Ok, Handshake(now)) : result;
    }

    private ReferenceResult ReadInitHello(ReadOnlySpan<byte> message)
    {
        if (_wedged)
        {
            return ReferenceResult.Error("unexpected call to ReadMessage");
        }

        if (message.Length < 32)
        {
            return ReferenceResult.Error("message is too short");
        }

        _wedged = true;
        _noise.First(message[..32], message[32..]);
        if (ReferenceWire.Read(message[32..]) is not { } fields)
        {
            return ReferenceResult.Error("invalid wire format");
        }

        var timestamp = fields.GetValueOrDefault(2UL, []);
        if (timestamp.Length != 12 || BinaryPrimitives.ReadUInt32BigEndian(timestamp.AsSpan(8)) >= 1_000_000_000)
        {
            return ReferenceResult.Error("bad timestamp");
        }

        if (!fields.TryGetValue(3, out var claim))
        {
            return ReferenceResult.Error("InitHello missing auth claim");
        }

        if (!Verify(claim, "p2pke/timestamp"u8, timestamp))
        {
            return ReferenceResult.Error("signature is invalid");
        }

        var channelBinding = _noise.Hash.ToArray();
        var second = _noise.WriteSecond(
            _ephemeral, message[..32], _keys.Aead, () => ReferenceWire.RespHello(_keys.KeyInfo, Sign("p2pke/sig-channel-binding"u8, channelBinding)));
        if (second is null)
        {
            return ReferenceResult.Panic("low order point in InitHello");
        }

        _ownMessage = [0x80, 0, 0, 1, .. second];
        (_receiveKey, _sendKey) = _noise.Split();
        _index = 1;
        _wedged = false;
        return default;
    }

    private ReferenceResult ReadRespHello(ReadOnlySpan<byte> message)
    {
        if (_wedged)
        {
            return ReferenceResult.Error("unexpected call to ReadMessage");
        }

        var channelBinding = _noise.Hash.ToArray();
        var read = _noise.ReadSecond(_ephemeral, message, _keys.Aead, out var payload);
        _wedged = read is SecondMessage.Good or SecondMessage.LowOrder;
        if (read != SecondMessage.Good)
        {
            return ReferenceResult.Error(read.ToString());
        }

        if (ReferenceWire.Read(payload) is not { } fields)
        {
            return ReferenceResult.Error("invalid wire format");
        }

        if (!fields.TryGetValue(2, out var claim))
        {
            return ReferenceResult.Panic("nil auth claim in RespHello");
        }

        if (!Verify(claim, "p2pke/sig-channel-binding"u8, channelBinding))
        {
            return ReferenceResult.Error("signature is invalid");
        }

        (_sendKey, _receiveKey) = _noise.Split();
        _ownMessage = Seal(_sendKey, 2, ReferenceWire.InitDone(_keys.KeyInfo, Sign("p2pke/sig-channel-binding"u8, _noise.Hash)));
        _index = 2;
        return default;
    }

    private ReferenceResult ReadInitDone(ReadOnlySpan<byte> datagram)
    {
        if (Open(datagram) is not { } payload || ReferenceWire.Read(payload) is not { } fields)
        {
            return ReferenceResult.Error("readInitDone");
        }

        if (!fields.TryGetValue(1, out var claim))
        {
            return ReferenceResult.Panic("nil auth claim in InitDone");
        }

        if (!Verify(claim, "p2pke/sig-channel-binding"u8, _noise.Hash))
        {
            return ReferenceResult.Error("signature is invalid");
        }

        _index = 3;
        return default;
    }

    private ReferenceResult Data(uint counter, ReadOnlySpan<byte> datagram)
    {
        if (!IsReady)
        {
            return ReferenceResult.Error("data before handshake complete");
        }

        // The initiator leaves its InitDone state before anything is authenticated.
        _index = 3;
        if (Open(datagram) is not { } payload)
        {
            return ReferenceResult.Error("decryption failure");
        }

        var fresh = counter < int.MaxValue && (counter > _highest || _highest - counter <= 8128) && _seen.Add(counter);
        _highest = fresh ? Math.Max(_highest, counter) : _highest;
        return fresh && payload.Length > 0 ? new(ReferenceOutcome.Data, Data: payload) : default;
    }

    private byte[] Sign(ReadOnlySpan<byte> purpose, ReadOnlySpan<byte> data)
    {
        Span<byte> prehash = stackalloc byte[64];
        _keys.Crypto.CShake256([], purpose, data, prehash);
        var signature = new byte[64];
        _keys.Identity.Sign(prehash, signature);
        return signature;
    }

    private bool Verify(byte[] claim, ReadOnlySpan<byte> purpose, ReadOnlySpan<byte> data)
    {
        if (ReferenceWire.Read(claim) is not { } fields)
        {
            return false;
        }

        Span<byte> prehash = stackalloc byte[64];
        _keys.Crypto.CShake256([], purpose, data, prehash);
        var key = fields.GetValueOrDefault(1UL, []);
        var signature = fields.GetValueOrDefault(2UL, []);
        var raw = ReferenceWire.RawEd25519(key);
        var valid = raw.IsEmpty
            ? _keys.Crypto.VerifyRsaPkcs1Raw(key, prehash, signature) || _keys.Crypto.VerifyEcdsaP256(key, prehash[..32], signature)
            : _keys.Crypto.VerifyEd25519(raw, prehash, signature);
        RemoteKey = valid ? key : RemoteKey;
        return valid;
    }

    private byte[] Seal(byte[] key, uint word, ReadOnlySpan<byte> payload)
    {
        var datagram = new byte[payload.Length + 20];
        BinaryPrimitives.WriteUInt32BigEndian(datagram, word);
        _keys.Aead.Seal(key, Nonce(word), datagram.AsSpan(0, 4), payload, datagram.AsSpan(4));
        return datagram;
    }

    private byte[]? Open(ReadOnlySpan<byte> datagram)
    {
        if (datagram.Length < 20)
        {
            return null;
        }

        var payload = new byte[datagram.Length - 20];
        return _keys.Aead.TryOpen(_receiveKey, Nonce(Network.Header.Read(datagram)), datagram[..4], datagram[4..], payload) ? payload : null;
    }

    private static byte[] Nonce(uint word)
    {
        var nonce = new byte[12];
        BinaryPrimitives.WriteUInt64LittleEndian(nonce.AsSpan(4), word & ~Network.Header.DirectionBit);
        return nonce;
    }
}
