using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.MyChips;
using PacketSec.Protocol.Schemes.MyChips.Tickets;
using PacketSec.Protocol.Tests.Machines;

namespace PacketSec.Protocol.Tests.Schemes.MyChips;

/// <summary>Two sites and the works of <c>mychips-1</c> between them.</summary>
internal sealed class MyChipsRig : IDisposable
{
    public static readonly MyChipsScheme Scheme = new();
    private readonly IRandomSource _random;
    private readonly ICryptoProvider _crypto;

    public MyChipsRig(IRandomSource? random = null, ICryptoProvider? crypto = null)
    {
        _random = random ?? new EndpointFixture.CountingSource();
        _crypto = crypto ?? CryptoProvider.Default;
        Initiator = IdentityKey.FromSeed(new byte[32], _crypto);
        Responder = IdentityKey.FromSeed([.. Enumerable.Repeat((byte)1, 32)], _crypto);
    }

    public IdentityKey Initiator { get; }

    public IdentityKey Responder { get; }

    public Dictionary<string, PublicKey> Sites { get; } = [];

    public byte[] Certificate { get; set; } = [];

    public bool CertificateWithTicket { get; set; }

    public string? SiteId { get; set; }

    public static Agreement? AgreementOf(int number)
        => number == 0 ? null : Agreement.Standard(CryptoProvider.Default, [0, (byte)number], MyChipsScheme.SchemeName, null);

    public SchemeContext ContextOf(IdentityKey identity)
        => new(_crypto, _random, identity) { Certificate = Certificate, CertificateWithTicket = CertificateWithTicket, SiteId = SiteId, Sites = Sites };

    public Ticket NewTicket(string purpose = "tally", TicketBinding? binding = null) => Ticket.Issue(
        _random, Responder.PublicKey, [], new() { NotAfter = 1_800_000_000, Purpose = purpose, Binding = binding ?? TicketBinding.None });

    public FirstMessageWork First(Ticket? ticket = null, bool renews = false, Agreement? agreement = null)
    {
        var request = new FirstMessageRequest(1, agreement, Responder.PeerId, TimeSpan.Zero)
        {
            Pass = ticket is null ? null : new TicketPass(ticket),
            IsRenewal = renews,
        };
        var work = Scheme.BeginFirst(ContextOf(Initiator), request);
        work.Run();
        return work;
    }

    public AnswerWork Answer(byte[] first, IReadOnlyList<Agreement?>? agreements = null, PublicKey? known = null)
    {
        var request = new AnswerRequest(1, first, agreements ?? [null], WorkClass.Stranger) { Known = known is null ? [] : [known] };
        var work = Scheme.BeginAnswer(ContextOf(Responder), request);
        work.Run();
        return work;
    }

    public AnswerCheckWork Check(HandshakeState noise, byte[] answer)
    {
        var work = Scheme.BeginCheck(ContextOf(Initiator), [new(1, 1, noise.Clone())], answer, default, Responder.PeerId);
        work.Run();
        return work;
    }

    public FinishWork Finish(PendingKeys pending, byte[] finish)
    {
        var work = Scheme.BeginFinish(ContextOf(Responder), default, finish, [(7, pending.Copy())], 1, WorkClass.Stranger);
        work.Run();
        return work;
    }

    public void Dispose()
    {
        Initiator.Dispose();
        Responder.Dispose();
    }
}
