using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.NoiseXX;
using PacketSec.Protocol.Tests.Machines;
using PacketSec.Protocol.Wire;
using PacketSec.Protocol.Wire.NoiseXX;

namespace PacketSec.Protocol.Tests.Schemes.NoiseXX;

/// <summary>Two identities and the works of <c>noise-xx-1</c> between them; either side can be played by hand with a claim of choice.</summary>
internal sealed class NoiseXXRig : IDisposable
{
    private static readonly NoiseXXScheme Scheme = new();
    private readonly EndpointFixture.CountingSource _random = new();

    public IdentityKey Initiator { get; } = IdentityKey.FromSeed(new byte[32], CryptoProvider.Default);

    public IdentityKey Responder { get; } = IdentityKey.FromSeed([.. Enumerable.Repeat((byte)1, 32)], CryptoProvider.Default);

    public static Agreement? AgreementOf(int number)
        => number == 0 ? null : Agreement.Standard(CryptoProvider.Default, [0, (byte)number], NoiseXXScheme.SchemeName, null);

    public SchemeContext ContextOf(IdentityKey identity) => new(CryptoProvider.Default, _random, identity);

    public FirstMessageWork First(PeerId? called = null, Agreement? agreement = null)
    {
        var work = Scheme.BeginFirst(ContextOf(Initiator), new(1, agreement, called ?? Responder.PeerId, TimeSpan.Zero));
        work.Run();
        return work;
    }

    public AnswerWork Answer(byte[] first, Agreement? agreement = null)
    {
        var work = Scheme.BeginAnswer(ContextOf(Responder), new(1, first, [agreement], WorkClass.Stranger));
        work.Run();
        return work;
    }

    public AnswerCheckWork Check(HandshakeState noise, byte[] answer, PeerId? expected = null)
    {
        var work = Scheme.BeginCheck(ContextOf(Initiator), [new(1, 1, noise.Clone())], answer, default, expected ?? Responder.PeerId);
        work.Run();
        return work;
    }

    public FinishWork Finish(PendingKeys pending, byte[] finish)
    {
        var work = Scheme.BeginFinish(ContextOf(Responder), default, finish, [(7, pending.Copy())], 1, WorkClass.Stranger);
        work.Run();
        return work;
    }

    /// <summary>A true answer but for the claim.</summary>
    public byte[] AnswerWith(byte[] first, Func<ReadOnlyMemory<byte>, byte[]> claim)
    {
        using var noise = Scheme.NewContext(ContextOf(Responder)).NewHandshake(initiator: false, null);
        Assert.True(noise.TryReadMessage(first.AsSpan(SpecLimits.HeaderSize), new byte[first.Length], out _));
        var payload = claim(Responder.AgreementKey.PublicKey.ToArray());
        var answer = new byte[NoiseXXScheme.MinAnswer + payload.Length];
        Convert.FromHexString("80000005").CopyTo(answer, 0);
        Assert.True(noise.TryWriteMessage(payload, answer.AsSpan(SpecLimits.HeaderSize), out var written));
        Assert.Equal(answer.Length, written + SpecLimits.HeaderSize);
        return answer;
    }

    /// <summary>A true finish but for the claim.</summary>
    public byte[] FinishWith(HandshakeState noise, byte[] answer, Func<ReadOnlyMemory<byte>, byte[]> claim)
    {
        using var copy = noise.Clone();
        Assert.True(copy.TryReadMessage(answer.AsSpan(SpecLimits.HeaderSize), new byte[answer.Length], out _));
        var payload = claim(Initiator.AgreementKey.PublicKey.ToArray());
        var finish = new byte[NoiseXXScheme.MinFinish + payload.Length];
        Convert.FromHexString("00000006").CopyTo(finish, 0);
        Assert.True(copy.TryWriteMessage(payload, finish.AsSpan(SpecLimits.HeaderSize), out _));
        return finish;
    }

    public static byte[] Encode(ReadOnlySpan<byte> key, ReadOnlySpan<byte> signature)
    {
        var claim = new IdentityClaim(key, signature);
        var bytes = new byte[claim.EncodedLength];
        WireMessage.Write(claim, bytes);
        return bytes;
    }

    public void Dispose()
    {
        Initiator.Dispose();
        Responder.Dispose();
    }
}
