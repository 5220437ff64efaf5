using System.Net;
using PacketSec.Cli.Net;
using PacketSec.Internal;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Sessions;

namespace PacketSec.Cli.Demo;

/// <summary>What the parts of the demo share: two endpoints, what both say of their session, and the close.</summary>
internal abstract class DemoPart(DemoTeller teller)
{
    protected const string Both = "both";

    protected static readonly TimeSpan LastArrivals = TimeSpan.FromSeconds(1);

    // Keys are renewed after three quarters of it, or a little later.
    private static readonly TimeSpan Lifetime = TimeSpan.FromSeconds(3);

    private readonly List<string> _failures = [];

    protected DemoTeller Teller { get; } = teller;

    /// <summary>Gets what does not hold.</summary>
    protected IReadOnlyList<string> Failures => _failures;

    protected PacketSecEndpoint Bind(string who, PacketSecIdentity identity, IDatagramTap? tap)
    {
        var endpoint = PacketSecEndpoint.Bind(new()
        {
            Identity = identity,
            LocalEndPoint = new(IPAddress.Loopback, 0),
            SessionLifetimes = SessionLifetimes.Shortened(Lifetime),
            Tap = tap,
        });
        Teller.Tell(Tone.Plain, who, "bound", $"{endpoint.PeerId} on {endpoint.LocalEndPoint}", line =>
        {
            line.WriteString("peer", endpoint.PeerId.ToString());
            line.WriteString("local", endpoint.LocalEndPoint.ToString());
        });
        return endpoint;
    }

    /// <summary>Compares what both sides say of the first session.</summary>
    /// <param name="initiator">The side that must have begun it.</param>
    /// <param name="responder">The other side.</param>
    /// <param name="expected">How it must have been agreed on.</param>
    /// <param name="cancellationToken">Ends the wait for both.</param>
    protected async Task CompareAsync(DemoSide initiator, DemoSide responder, NegotiationCase expected, CancellationToken cancellationToken)
    {
        var (first, second) = (await initiator.First.WaitAsync(cancellationToken), await responder.First.WaitAsync(cancellationToken));
        var isOne = first.Agreement is { } agreement && agreement.Equals(second.Agreement)
            && agreement.Scheme == second.Agreement!.Scheme && agreement.Case == expected && second.Agreement.Case == expected
            && (first.Role, second.Role) == (SessionRole.Initiator, SessionRole.Responder);
        if (!isOne)
        {
            Check(false, $"the two sides do not agree ({initiator.Name}: {Describe(initiator, first)}; {responder.Name}: {Describe(responder, second)})");
            return;
        }

        var (tag, kind) = (SessionText.TagOf(first.Agreement!), SessionText.CaseOf(first.Agreement));
        var text = $"the same on both sides: {first.Agreement!.Scheme}, {kind}, transcript {tag}; {initiator.Name} began, {responder.Name} answered";
        Teller.Tell(Tone.Good, Both, "agreement", text, line =>
        {
            line.WriteString("scheme", first.Agreement.Scheme);
            line.WriteString("case", kind);
            line.WriteString("transcript_tag", tag);
            line.WriteString("initiator", initiator.Name);
            line.WriteString("responder", responder.Name);
        });
    }

    /// <summary>Closes the channel on one side, and waits until the other has heard of it.</summary>
    protected async Task CloseAsync(DemoSide closing, DemoSide other, CancellationToken cancellationToken)
    {
        await closing.Channel.DisposeAsync();
        var both = Task.WhenAll(closing.Closed, other.Closed);
        if (await Task.WhenAny(both, Task.Delay(LastArrivals, cancellationToken)) != both)
        {
            Check(false, $"the {other.Name} did not hear that the {closing.Name} closed the channel");
            return;
        }

        var (here, there) = (await closing.Closed, await other.Closed);
        Check(
            here is null && there == PacketSecError.PeerClosed,
            $"the channel did not end by the {closing.Name}'s closing ({closing.Name} {here}, {other.Name} {there})");
    }

    protected void Check(bool holds, string failure)
    {
        if (!holds)
        {
            _failures.Add(failure);
        }
    }

    private static string Describe(DemoSide side, PacketSecChannelEvent.SessionConfirmed session) => SessionText.Describe(session, side.Channel.Scheme);
}
