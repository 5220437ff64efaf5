using PacketSec.Crypto;
using static System.Security.Cryptography.CryptographicOperations;

namespace PacketSec.Noise;

/// <summary>
/// A handshake of one side (the HandshakeState object of Noise revision 34, section 5.3): messages are written and read in turn until
/// <see cref="IsComplete"/>, then the state yields transport keys once.
/// </summary>
/// <remarks>
/// Not thread-safe; <see cref="Clone"/> gives a copy for another thread. A message that fails, in either direction, leaves the state
/// exactly as it was, so that a forged message cannot wedge a handshake. Spans from properties are valid until the next call of a method.
/// </remarks>
public sealed partial class HandshakeState : IDisposable
{
    private const int KeySize = X25519PrivateKey.Size;

    private readonly ICryptoProvider _crypto;
    private readonly IRandomSource _random;
    private readonly HandshakePattern _pattern;
    private readonly X25519PrivateKey? _localStatic;
    private readonly IReadOnlyList<SecretKey> _preSharedKeys;
    private readonly SymmetricState _symmetric;
    private readonly PublicKeys _publicKeys;

    /// <summary>Set from the start when fixed, else from its token on; null again once the handshake is complete.</summary>
    private EphemeralKey? _ephemeral;

    private int _messageIndex;
    private int _preSharedKeysUsed;
    private bool _keysTaken;
    private bool _disposed;

    /// <summary>Begins a handshake.</summary>
    /// <param name="crypto">The provider.</param>
    /// <param name="random">Where the ephemeral key comes from.</param>
    /// <param name="config">This side's role and keys; read now, its keys are referenced until the handshake is complete.</param>
    /// <exception cref="ArgumentException">The configuration lacks what the pattern needs, or has what it has no use for.</exception>
    public HandshakeState(ICryptoProvider crypto, IRandomSource random, HandshakeConfig config)
    {
        ArgumentNullException.ThrowIfNull(crypto);
        ArgumentNullException.ThrowIfNull(random);
        ArgumentNullException.ThrowIfNull(config);
        config.Validate();
        _crypto = crypto;
        _random = random;
        Protocol = config.Protocol;
        _pattern = config.Protocol.Pattern;
        IsInitiator = config.Initiator;
        _localStatic = config.LocalStatic;
        _ephemeral = config.LocalEphemeral is { } fixedKey ? EphemeralKey.Borrow(fixedKey) : null;
        _preSharedKeys = [.. config.PreSharedKeys];
        _publicKeys = new PublicKeys();
        _symmetric = SymmetricState.Initialize(crypto, config.Protocol);
        _symmetric.MixHash(config.Prologue.Span);
        if (!config.RemoteStatic.IsEmpty)
        {
            config.RemoteStatic.Span.CopyTo(_publicKeys.Learn(KnownKeys.RemoteStatic));
        }

        if (_pattern.InitiatorStaticIsKnown)
        {
            _symmetric.MixHash(IsInitiator ? _localStatic!.PublicKey : RemoteStatic);
        }

        if (_pattern.ResponderStaticIsKnown)
        {
            _symmetric.MixHash(IsInitiator ? RemoteStatic : _localStatic!.PublicKey);
        }
    }

    private HandshakeState(HandshakeState original)
    {
        _crypto = original._crypto;
        _random = original._random;
        Protocol = original.Protocol;
        _pattern = original._pattern;
        IsInitiator = original.IsInitiator;
        _localStatic = original._localStatic;
        _preSharedKeys = original._preSharedKeys;
        _symmetric = original._symmetric.Clone();
        _publicKeys = original._publicKeys.Clone();
        _ephemeral = original._ephemeral?.Share();
        _messageIndex = original._messageIndex;
        _preSharedKeysUsed = original._preSharedKeysUsed;
    }

    /// <summary>Gets the protocol.</summary>
    public NoiseProtocol Protocol { get; }

    /// <summary>Gets whether this side sends the first message.</summary>
    public bool IsInitiator { get; }

    /// <summary>Gets whether all messages are done, so that the transport keys can be taken.</summary>
    public bool IsComplete => _messageIndex == _pattern.Messages.Count;

    /// <summary>Gets whether the next message is this side's to write.</summary>
    public bool IsMyTurn => !IsComplete && _pattern.Messages[_messageIndex].FromInitiator == IsInitiator;

    /// <summary>Gets how many bytes the next message has beyond its payload, whoever writes it.</summary>
    /// <exception cref="InvalidOperationException">The handshake is complete.</exception>
    public int MessageOverhead
        => IsComplete ? throw Complete() : _pattern.Overhead(_messageIndex);

    /// <summary>Gets the handshake hash after the messages so far, 32 or 64 bytes; in the end it is the channel binding.</summary>
    public ReadOnlySpan<byte> HandshakeHash
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _symmetric.HandshakeHash;
        }
    }

    /// <summary>Gets the remote static public key, or an empty span while unknown. Authentic only as far as the pattern says.</summary>
    public ReadOnlySpan<byte> RemoteStatic => PublicKey(KnownKeys.RemoteStatic);

    /// <summary>Gets the remote ephemeral public key, or an empty span while it is unknown.</summary>
    public ReadOnlySpan<byte> RemoteEphemeral => PublicKey(KnownKeys.RemoteEphemeral);

    /// <summary>Gets the own ephemeral public key, or an empty span until a message carries it.</summary>
    public ReadOnlySpan<byte> LocalEphemeral => PublicKey(KnownKeys.LocalEphemeral);

    /// <summary>For tests: what a failed message must leave alone, and what must be zero in the end.</summary>
    internal SymmetricState Symmetric => _symmetric;

    /// <summary>For tests: the own ephemeral key while it is held.</summary>
    internal X25519PrivateKey? EphemeralPrivateKey => _ephemeral?.Key;

    /// <summary>Writes the next message.</summary>
    /// <param name="payload">The payload; may be empty. Who can read it, and whom it proves, depends on the pattern.</param>
    /// <param name="message">At least <see cref="MessageOverhead"/> bytes longer than the payload; does not overlap it.</param>
    /// <param name="written">The length of the message in bytes.</param>
    /// <returns>
    /// False when the remote side's public key is of low order, so that no shared secret comes about: drop the peer. The state is as before,
    /// and the message's buffer is cleared.
    /// </returns>
    /// <exception cref="InvalidOperationException">It is not this side's turn, or the handshake is complete.</exception>
    /// <exception cref="ArgumentException">The buffer is too small or overlaps, or the message would exceed 65535 bytes.</exception>
    public bool TryWriteMessage(ReadOnlySpan<byte> payload, Span<byte> message, out int written)
    {
        RequireTurn(mine: true);
        var overhead = MessageOverhead;
        if (payload.Length > NoiseProtocol.MaxMessageSize - overhead)
        {
            throw new ArgumentException($"A payload here has at most {NoiseProtocol.MaxMessageSize - overhead} bytes.", nameof(payload));
        }

        RequireBuffer(message, overhead + payload.Length, payload, nameof(message));
        message = message[..(overhead + payload.Length)];
        written = 0;
        var before = new Progress(_publicKeys.Known, _preSharedKeysUsed, _ephemeral);
        Span<byte> snapshot = stackalloc byte[SymmetricState.SnapshotSize];
        _symmetric.Save(snapshot);
        var succeeded = false;
        try
        {
            if (TryWriteTokens(message, out var offset))
            {
                _symmetric.EncryptAndHash(payload, message[offset..]);
                written = message.Length;
                succeeded = true;
            }
        }
        finally
        {
            if (!succeeded)
            {
                message.Clear();
            }

            Finish(succeeded, before, snapshot);
        }

        return succeeded;
    }

    /// <summary>
    /// Writes the next message where no public key of an unproven peer takes part, such as a first one. Otherwise call
    /// <see cref="TryWriteMessage"/>.
    /// </summary>
    /// <param name="payload">The payload; may be empty.</param>
    /// <param name="message">At least <see cref="MessageOverhead"/> bytes longer than the payload; does not overlap it.</param>
    /// <returns>The length of the message in bytes.</returns>
    /// <exception cref="InvalidOperationException">
    /// It is not this side's turn, the handshake is complete, or the remote side's public key is of low order.
    /// </exception>
    /// <exception cref="ArgumentException">The buffer is too small or overlaps, or the message would exceed 65535 bytes.</exception>
    public int WriteMessage(ReadOnlySpan<byte> payload, Span<byte> message)
        => TryWriteMessage(payload, message, out var written)
            ? written
            : throw new InvalidOperationException("The remote side's public key is of low order.");

    /// <summary>Reads the next message.</summary>
    /// <param name="message">The whole message, from anywhere.</param>
    /// <param name="payload">
    /// At least <see cref="MessageOverhead"/> bytes shorter than the message (the message's length always suffices); does not overlap it.
    /// </param>
    /// <param name="payloadLength">The length of the payload in bytes.</param>
    /// <returns>False for a message of an impossible size or not genuine: the state is exactly as before, and another can be read.</returns>
    /// <exception cref="InvalidOperationException">It is this side's turn to write, or the handshake is complete.</exception>
    /// <exception cref="ArgumentException">The payload's buffer is too small or overlaps.</exception>
    public bool TryReadMessage(ReadOnlySpan<byte> message, Span<byte> payload, out int payloadLength)
        => TryRead(message, payload, out payloadLength, toTheEnd: false);

    /// <summary>
    /// Reads the next message like <see cref="TryReadMessage"/>, and does all the work that a genuine one asks for also when part of it has failed,
    /// on substitutes, so that the time taken does not tell what failed.
    /// </summary>
    internal bool TryReadToTheEnd(ReadOnlySpan<byte> message, Span<byte> payload, out int payloadLength)
        => TryRead(message, payload, out payloadLength, toTheEnd: true);

    /// <summary>
    /// Makes an independent copy, the ephemeral key included: for work on another thread, or to answer several peers' messages from one state.
    /// </summary>
    /// <remarks>
    /// DANGER: original and copy repeat each other's keys and nonces as long as they have read the same messages and drawn no ephemeral key
    /// since. Then only one of them may write a sealed message, and only one may take the transport keys and send. The ephemeral key is wiped
    /// when its last holder is complete or disposed.
    /// </remarks>
    /// <exception cref="InvalidOperationException">The transport keys are already taken.</exception>
    public HandshakeState Clone()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _keysTaken ? throw KeysTaken() : new HandshakeState(this);
    }

    /// <summary>Takes the raw transport keys, for a transport of the caller's own, and wipes the handshake's secrets.</summary>
    /// <param name="initiatorToResponderKey">32 bytes.</param>
    /// <param name="responderToInitiatorKey">32 bytes; of no use after a one-way pattern, whose responder never sends.</param>
    /// <exception cref="InvalidOperationException">The handshake is not complete, or the keys are already taken.</exception>
    public void Split(Span<byte> initiatorToResponderKey, Span<byte> responderToInitiatorKey)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (initiatorToResponderKey.Length != CipherState.KeySize || responderToInitiatorKey.Length != CipherState.KeySize)
        {
            throw new ArgumentException($"Transport keys have {CipherState.KeySize} bytes.");
        }

        if (!IsComplete || _keysTaken)
        {
            throw IsComplete ? KeysTaken() : new InvalidOperationException("The handshake is not complete.");
        }

        _symmetric.Split(initiatorToResponderKey, responderToInitiatorKey);
        _symmetric.WipeKeys();
        _keysTaken = true;
    }

    /// <summary>
    /// Takes the raw transport keys, or, where the handshake is not complete, does the work of it: the bytes are then nobody's keys. Whether it
    /// succeeded does not show in the time taken.
    /// </summary>
    internal void SplitOrPretend(Span<byte> initiatorToResponderKey, Span<byte> responderToInitiatorKey)
    {
        if (IsComplete)
        {
            Split(initiatorToResponderKey, responderToInitiatorKey);
        }
        else
        {
            _symmetric.Split(initiatorToResponderKey, responderToInitiatorKey);
        }
    }

    /// <summary>Takes the transport keys for messages that arrive in order, and wipes the handshake's secrets.</summary>
    /// <exception cref="InvalidOperationException">The handshake is not complete, or the keys are already taken.</exception>
    public NoiseTransport ToTransport()
    {
        var (sending, receiving) = SplitCiphers();
        return new NoiseTransport(sending, receiving);
    }

    /// <summary>Takes the transport keys for messages whose nonces the caller carries, and wipes the handshake's secrets.</summary>
    /// <exception cref="InvalidOperationException">The handshake is not complete, or the keys are already taken.</exception>
    public StatelessNoiseTransport ToStatelessTransport()
    {
        var (sending, receiving) = SplitCiphers();
        return new StatelessNoiseTransport(sending, receiving);
    }

    /// <summary>Wipes all secrets. Idempotent. The keys of the configuration are the caller's and stay.</summary>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        _ephemeral?.Release();
        _ephemeral = null;
        _symmetric.Dispose();
    }

    private bool TryRead(ReadOnlySpan<byte> message, Span<byte> payload, out int payloadLength, bool toTheEnd)
    {
        RequireTurn(mine: false);
        payloadLength = 0;
        var overhead = MessageOverhead;
        if (message.Length < overhead || message.Length > NoiseProtocol.MaxMessageSize)
        {
            return false;
        }

        RequireBuffer(payload, message.Length - overhead, message, nameof(payload));
        payload = payload[..(message.Length - overhead)];
        var before = new Progress(_publicKeys.Known, _preSharedKeysUsed, _ephemeral);
        Span<byte> snapshot = stackalloc byte[SymmetricState.SnapshotSize];
        _symmetric.Save(snapshot);
        var succeeded = false;
        try
        {
            succeeded = TryReadTokens(message, toTheEnd, out var offset);
            if (succeeded || toTheEnd)
            {
                succeeded &= TryDecrypt(message[offset..], payload, toTheEnd);
            }

            payloadLength = succeeded ? payload.Length : 0;
        }
        finally
        {
            Finish(succeeded, before, snapshot);
        }

        return succeeded;
    }

    /// <summary>Ends a message: on to the next one, or back to where it began.</summary>
    private void Finish(bool succeeded, Progress before, Span<byte> snapshot)
    {
        if (succeeded)
        {
            _messageIndex++;
            if (IsComplete)
            {
                _ephemeral?.Release();
                _ephemeral = null;
            }
        }
        else
        {
            _symmetric.Restore(snapshot);
            _preSharedKeysUsed = before.PreSharedKeysUsed;
            _publicKeys.ForgetAllBut(before.Known);
            if (!ReferenceEquals(_ephemeral, before.Ephemeral))
            {
                _ephemeral?.Release();
                _ephemeral = before.Ephemeral;
            }
        }

        ZeroMemory(snapshot);
    }

    private (CipherState? Sending, CipherState? Receiving) SplitCiphers()
    {
        Span<byte> keys = stackalloc byte[2 * CipherState.KeySize];
        try
        {
            Split(keys[..CipherState.KeySize], keys[CipherState.KeySize..]);
            var first = CipherState.CreateKeyed(_crypto, Protocol.Aead, keys[..CipherState.KeySize]);
            var second = _pattern.IsOneWay ? null : CipherState.CreateKeyed(_crypto, Protocol.Aead, keys[CipherState.KeySize..]);
            return IsInitiator ? (first, second) : (second, first);
        }
        finally
        {
            ZeroMemory(keys);
        }
    }

    private ReadOnlySpan<byte> PublicKey(KnownKeys key)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _publicKeys.Get(key);
    }

    private void RequireTurn(bool mine)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (IsComplete)
        {
            throw Complete();
        }

        if (IsMyTurn != mine)
        {
            throw new InvalidOperationException(mine ? "The next message is the other side's." : "The next message is this side's.");
        }
    }

    private static void RequireBuffer(ReadOnlySpan<byte> buffer, int size, ReadOnlySpan<byte> input, string name)
    {
        if (buffer.Length < size)
        {
            throw new ArgumentException($"The buffer needs {size} bytes.", name);
        }

        if (buffer.Overlaps(input))
        {
            throw new ArgumentException("The buffer overlaps the input.", name);
        }
    }

    private static InvalidOperationException Complete() => new("The handshake is complete: there is no next message.");

    private static InvalidOperationException KeysTaken() => new("The transport keys are already taken.");

    /// <summary>What a failed message takes back, besides the symmetric state.</summary>
    private readonly record struct Progress(KnownKeys Known, int PreSharedKeysUsed, EphemeralKey? Ephemeral);
}
