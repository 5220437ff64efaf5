using PacketSec.Crypto;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes.P2pke;
using PacketSec.Protocol.Tests.Machines;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Tests.Schemes;

/// <summary>The transcript is a part of the handshake itself, and not only of the tag in its first packet.</summary>
public sealed class P2pkeTranscriptTests
{
    //= spec/p2pke.md#psec-prologue
    //= spec/psec.md#transcript
    [Theory]
    [InlineData(1, 1, true)]
    [InlineData(1, 2, false)]
    [InlineData(1, 0, false)]
    [InlineData(0, 1, false)]
    [InlineData(0, 0, true)]
    public void An_answer_opens_only_under_the_transcript_that_it_was_made_under(int initiators, int responders, bool opens)
    {
        using var initiator = IdentityKey.FromSeed(new byte[32], CryptoProvider.Default);
        using var responder = IdentityKey.FromSeed([.. Enumerable.Repeat((byte)1, 32)], CryptoProvider.Default);
        var source = new EndpointFixture.CountingSource();
        var there = new P2pkeContext(CryptoProvider.Default, source, initiator);
        var here = new P2pkeContext(CryptoProvider.Default, source, responder);
        using var hello = new InitHelloWork(there, Tai64n.FromUnixTime(1_700_000_000, 0), AgreementOf(initiators));
        hello.Run();
        using var response = new InitHelloResponse(here, hello.InitHello, AgreementOf(responders));
        response.Run();
        Assert.Equal(DropReason.None, response.Outcome);

        using var noise = hello.TakeNoise();
        using var check = new RespHelloWork(there, [new(1, 1, noise.Clone())], response.RespHello, responder.PeerId) { Path = default };
        check.Run();
        Assert.Equal(opens ? DropReason.None : DropReason.NotAuthentic, check.Outcome);
    }

    private static Agreement? AgreementOf(int number)
        => number == 0 ? null : Agreement.Standard(CryptoProvider.Default, [0, (byte)number], P2pkeScheme.SchemeName, null);
}
