using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.Protocol.Identity;

namespace PacketSec.Protocol.Schemes;

/// <summary>Makes a first message with a fresh ephemeral key.</summary>
internal abstract class FirstMessageWork : HandshakeWork
{
    private HandshakeState? _noise;

    /// <summary>Gets the datagram.</summary>
    public byte[] FirstMessage { get; private set; } = [];

    /// <summary>Hands over the handshake state after message 1.</summary>
    public HandshakeState TakeNoise()
    {
        var noise = _noise ?? throw new InvalidOperationException("The work has not run, or its state is taken.");
        _noise = null;
        return noise;
    }

    public override void Dispose() => _noise?.Dispose();

    private protected void Finish(HandshakeState noise, byte[] message) => (_noise, FirstMessage) = (noise, message);
}

/// <summary>One of our first messages that an answer may be for.</summary>
/// <param name="AttemptId">The attempt that sent it.</param>
/// <param name="Generation">Which of the attempt's first messages it is.</param>
/// <param name="Noise">A copy of the state after it; the work owns it.</param>
internal readonly record struct AnswerCandidate(long AttemptId, long Generation, HandshakeState Noise);

/// <summary>Checks an answer against the first messages that wait for one, and makes the finish.</summary>
internal abstract class AnswerCheckWork(IReadOnlyList<AnswerCandidate> candidates, byte[] answer) : HandshakeWork
{
    private SecretKey? _sendKey;
    private SecretKey? _receiveKey;

    /// <summary>Gets the message worked on.</summary>
    public byte[] Answer => answer;

    /// <summary>Gets the first messages it was tried with.</summary>
    public IReadOnlyList<AnswerCandidate> Candidates => candidates;

    /// <summary>Gets the one that it answers; without an attempt when it answers none.</summary>
    public AnswerCandidate Matched { get; private protected set; }

    /// <summary>Gets the path it came on, whose local end the session keeps.</summary>
    public required PathAddress Path { get; init; }

    /// <summary>Gets the key proven, also where it is the wrong one; or the key called, where the answer proves none.</summary>
    public PublicKey? RemoteKey { get; private protected set; }

    /// <summary>Gets its peer ID.</summary>
    public PeerId? RemotePeer { get; private protected set; }

    /// <summary>Gets the datagram of the finish.</summary>
    public byte[] Finish { get; private set; } = [];

    /// <summary>Hands over the keys.</summary>
    public (SecretKey Send, SecretKey Receive) TakeKeys()
    {
        var keys = (_sendKey ?? throw new InvalidOperationException("The work has not succeeded."), _receiveKey!);
        (_sendKey, _receiveKey) = (null, null);
        return keys;
    }

    public override void Dispose()
    {
        foreach (var candidate in candidates)
        {
            candidate.Noise.Dispose();
        }

        _sendKey?.Dispose();
        _receiveKey?.Dispose();
    }

    private protected void Succeed(byte[] finish, SecretKey sendKey, SecretKey receiveKey) => (Finish, _sendKey, _receiveKey) = (finish, sendKey, receiveKey);
}
