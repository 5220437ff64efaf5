using System.Net;
using PacketSec.Protocol;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes.MyChips.Tickets;

namespace PacketSec.Internal;

/// <summary>One call of <c>PacketSecEndpoint.ConnectAsync</c>. Thread-safe; the first outcome stays.</summary>
internal sealed class Dial
{
    private readonly EndpointDriver _driver;
    private readonly TaskCompletionSource<PacketSecChannel> _outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Dial(EndpointDriver driver, IPEndPoint remote, PeerId peer, ProposalOptions? proposal, string directScheme, Ticket? ticket)
    {
        Ticket = ticket?.Copy();
        Proposal = proposal;
        DirectScheme = directScheme;
        _driver = driver;
        Remote = NetworkAddress.FromEndPoint(remote);
        Peer = peer;
    }

    public NetworkAddress Remote { get; }

    public PeerId Peer { get; }

    /// <summary>Gets what is proposed; null in direct mode.</summary>
    public ProposalOptions? Proposal { get; }

    /// <summary>Gets the scheme of direct mode.</summary>
    public string DirectScheme { get; }

    /// <summary>Gets the dial's own copy of the ticket. The endpoint's thread alone uses and disposes it.</summary>
    public Ticket? Ticket { get; }

    public Task<PacketSecChannel> Outcome => _outcome.Task;

    /// <summary>Gets or sets the peer that the dial waits for. The endpoint's thread alone uses it.</summary>
    public PeerDriver? Target { get; set; }

    public bool TrySucceed(PacketSecChannel channel) => _outcome.TrySetResult(channel);

    public void Fail(PacketSecException error) => _outcome.TrySetException(error);

    public void Cancel(CancellationToken cancellationToken)
    {
        if (_outcome.TrySetCanceled(cancellationToken))
        {
            _driver.Post(new DriverMessage.CancelConnect(this));
        }
    }
}
