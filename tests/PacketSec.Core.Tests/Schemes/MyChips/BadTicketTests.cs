using PacketSec.Protocol.Schemes.MyChips.Tickets;
using PacketSec.Protocol.Tests.Machines;

namespace PacketSec.Protocol.Tests.Schemes.MyChips;

public sealed class BadTicketTests
{
    private const int Tickets = 100_000;
    private const int PerSecond = 10 * ImplementationLimits.WorkPerPrefixPerSecond;

    //= spec/mychips.md#silence
    [Fact]
    public void A_hundred_thousand_bad_tickets_leave_nothing_and_draw_nothing()
    {
        using var site = new ServingSite();
        using var stranger = new DiallingSite(site, 9);
        using var ticket = Ticket.Issue(new EndpointFixture.CountingSource(), site.Identity.PublicKey, [], new() { NotAfter = 0 });
        stranger.Dial(ticket);
        var before = site.Machine.StateDigest();
        for (var i = 0; i < Tickets; i++)
        {
            // A fresh address each, all of one network: the network's rate bounds the work, and the rest is dropped before it.
            site.Receive(EndpointFixture.Address(200, 1024 + (i % 60_000)), stranger.Sent[0]);
            if (i % PerSecond == PerSecond - 1)
            {
                site.Now += TimeSpan.FromSeconds(1);
                site.Machine.HandleTimeout(site.Now);
                site.Questions.Clear();
            }
        }

        Assert.Empty(site.Sent);
        Assert.Empty(site.Peers);
        Assert.Equal(0, site.Machine.HalfOpen);
        Assert.Equal(before, site.Machine.StateDigest());
        Assert.Equal(Tickets / 10, site.Machine.Drops[DropReason.TicketUnknown]);
        Assert.Equal(Tickets, site.Machine.Drops[DropReason.TicketUnknown] + site.Machine.Drops[DropReason.PrefixRate]);
    }

    [Fact]
    public void Bad_tickets_beyond_the_rate_of_their_network_cost_no_memory()
    {
        using var site = new ServingSite();
        using var stranger = new DiallingSite(site, 9);
        using var ticket = Ticket.Issue(new EndpointFixture.CountingSource(), site.Identity.PublicKey, [], new() { NotAfter = 0 });
        stranger.Dial(ticket);
        var path = EndpointFixture.PathFrom(EndpointFixture.Address(200, 1024));
        while (site.Machine.Drops[DropReason.PrefixRate] == 0)
        {
            site.Receive(path.Remote, stranger.Sent[0]);
        }

        var allocated = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < Tickets; i++)
        {
            site.Machine.HandleDatagram(site.Now, path, stranger.Sent[0]);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - allocated);
        Assert.Equal(1 + Tickets, site.Machine.Drops[DropReason.PrefixRate]);
        Assert.Empty(site.Sent);
    }
}
