using System.Security.Cryptography;
using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Wire;
using PacketSec.Protocol.Wire.SecretHandshake;

namespace PacketSec.Protocol.Schemes.SecretHandshake;

/// <summary>Makes message 1 with a fresh ephemeral key.</summary>
internal sealed class CallWork(SecretHandshakeContext context, Callee callee, Agreement? agreement = null) : HandshakeWork
{
    private HandshakeState? _noise;

    /// <summary>Gets the datagram.</summary>
    public byte[] Message { get; private set; } = [];

    public override void Run()
    {
        //= spec/secret-handshake.md#ephemeral-fresh
        _noise = context.Call(agreement, callee);
        //= spec/secret-handshake.md#noise-payloads
        var tag = context.Transcript(agreement)[..Message1.TagSize];
        Span<byte> noise = stackalloc byte[X25519PrivateKey.Size + Message1.TagSize];
        _noise.WriteMessage(tag, noise);
        Span<byte> mac = stackalloc byte[SecretHandshakeScheme.MacSize];
        mac = context.HasNetworkKey ? mac : default;
        var message = new Message1(noise[..X25519PrivateKey.Size], tag, mac);
        var datagram = new byte[message.EncodedLength];
        WireMessage.Write(message, datagram);
        context.WriteMac(datagram.AsSpan(0, Message1.Size), default, datagram.AsSpan(Message1.Size));
        Message = datagram;
    }

    /// <summary>Hands over the handshake state after message 1.</summary>
    public HandshakeState TakeNoise()
    {
        var noise = _noise ?? throw new InvalidOperationException("The work has not run, or its state is taken.");
        _noise = null;
        return noise;
    }

    public override void Dispose() => _noise?.Dispose();
}

/// <summary>Takes an answer, and makes the Noise message of message 3 and the keys.</summary>
/// <param name="context">The endpoint's.</param>
/// <param name="noise">A copy of the state after message 1; the work owns it.</param>
/// <param name="answer">A message 2 that passed the checks that need no key.</param>
internal sealed class FinishWork(SecretHandshakeContext context, HandshakeState noise, byte[] answer) : HandshakeWork
{
    private SecretKey? _sendKey;
    private SecretKey? _receiveKey;

    /// <summary>Gets the datagram of the answer.</summary>
    public byte[] Answer => answer;

    /// <summary>Gets the datagram of message 3.</summary>
    public byte[] Message { get; private set; } = [];

    public override void Run()
    {
        WireMessage.TryRead<Message2>(answer, out var read);
        if (!noise.TryReadMessage(read.Ephemeral, default, out _))
        {
            throw new InvalidOperationException("Message 2 of the pattern computes nothing that could fail.");
        }

        Outcome = Finish(read);
    }

    /// <summary>Hands over the keys.</summary>
    public (SecretKey Send, SecretKey Receive) TakeKeys()
    {
        var keys = (_sendKey ?? throw new InvalidOperationException("The work has not succeeded."), _receiveKey!);
        (_sendKey, _receiveKey) = (null, null);
        return keys;
    }

    public override void Dispose()
    {
        noise.Dispose();
        _sendKey?.Dispose();
        _receiveKey?.Dispose();
    }

    private DropReason Finish(in Message2 read)
    {
        //= spec/secret-handshake.md#noise-payloads
        Span<byte> payload = stackalloc byte[IdentityPayload.Size];
        WireMessage.Write(new IdentityPayload(context.Identity.PublicKey.Ed25519), payload);
        var datagram = new byte[Message3.Size];
        var ephemeral = noise.LocalEphemeral;
        WireMessage.Write(new Message3(read.Cookie, ephemeral, stackalloc byte[Message3.NoiseSize]), datagram);
        //= spec/secret-handshake.md#zero-dh
        if (!noise.TryWriteMessage(payload, datagram.AsSpan(Message3.Size - Message3.NoiseSize), out _))
        {
            return DropReason.LowOrderKey;
        }

        Span<byte> keys = stackalloc byte[64];
        try
        {
            noise.Split(keys[..32], keys[32..]);
            _sendKey = new SecretKey(keys[..32]);
            _receiveKey = new SecretKey(keys[32..]);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(keys);
        }

        Message = datagram;
        return DropReason.None;
    }
}
