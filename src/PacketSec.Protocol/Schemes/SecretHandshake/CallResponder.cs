using System.Security.Cryptography;
using PacketSec.Crypto;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Wire;
using PacketSec.Protocol.Wire.SecretHandshake;

namespace PacketSec.Protocol.Schemes.SecretHandshake;

/// <summary>Answers calls without a memory of them, and takes those whose cookie comes back.</summary>
internal sealed class CallResponder(SecretHandshakeScheme scheme, SchemeContext shared) : StatelessResponder
{
    private readonly SecretHandshakeContext _context = new(shared);
    private readonly MinuteKeys _minutes = new(shared.Crypto, shared.Random);

    public override Instant? NextDeadline => _minutes.NextDeadline;

    public override void HandleTimeout(Instant now) => _minutes.Rotate(now);

    public override DropReason CheckFirst(scoped ReadOnlySpan<byte> first) => MessageChecks.Check(_context, first, out Message1 _);

    //= spec/secret-handshake.md#answer
    public override StatelessAnswerWork BeginAnswer(
        Instant now, scoped in PathAddress path, scoped ReadOnlySpan<byte> first, Agreement? agreement, WorkClass workClass)
    {
        WireMessage.TryRead<Message1>(first, out var call);
        var cookie = new byte[Message2.CookieSize];
        Span<byte> seed = stackalloc byte[MinuteKeys.SeedSize];
        _minutes.Answer(now, CallerOf(path, call.Ephemeral, agreement), cookie, seed);
        var key = new SecretKey(seed);
        CryptographicOperations.ZeroMemory(seed);
        return new CallAnswerWork(_context, path, agreement, call.Ephemeral.ToArray(), cookie, key) { WorkClass = workClass };
    }

    public override DropReason TryBeginFinish(
        Instant now,
        scoped in PathAddress path,
        scoped ReadOnlySpan<byte> finish,
        IReadOnlyList<Agreement?> agreements,
        WorkClass workClass,
        out StatelessFinishWork? work)
    {
        work = null;
        var reason = MessageChecks.Check(finish, out Message3 message);
        if (reason != DropReason.None)
        {
            return reason;
        }

        Span<byte> seed = stackalloc byte[MinuteKeys.SeedSize];
        for (var i = 0; i < agreements.Count; i++)
        {
            if (_minutes.TryCheck(now, CallerOf(path, message.Ephemeral, agreements[i]), message.Cookie, seed, out var ticket))
            {
                //= spec/secret-handshake.md#accepted-once
                if (_minutes.IsKnown(ticket))
                {
                    CryptographicOperations.ZeroMemory(seed);
                    return DropReason.NoHandshake;
                }

                var key = new SecretKey(seed);
                CryptographicOperations.ZeroMemory(seed);
                work = new CallAcceptWork(_context, scheme, path, finish.ToArray(), agreements[i], ticket, key) { WorkClass = workClass };
                return DropReason.None;
            }
        }

        return DropReason.NoHandshake;
    }

    public override DropReason TryReserve(Instant now, in StatelessTicket ticket) => _minutes.TryReserve(now, ticket);

    public override DropReason TryAccept(Instant now, in StatelessTicket ticket) => _minutes.TryAccept(now, ticket);

    public override void AddTo(StateDigestBuilder digest) => _minutes.AddTo(digest);

    public override void Dispose() => _minutes.Dispose();

    private Caller CallerOf(in PathAddress path, ReadOnlySpan<byte> ephemeral, Agreement? agreement)
        => new(path.Remote, ephemeral, _context.Transcript(agreement), _context.Network);
}
