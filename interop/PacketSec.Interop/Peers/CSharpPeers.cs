using System.Collections.Concurrent;
using System.Net;
using System.Threading.Channels;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Sessions;

namespace PacketSec.Interop.Peers;

/// <summary>PacketSec itself, in this process, through its public API.</summary>
internal sealed class CSharpPeers : IPeers
{
    public string Name => "csharp";

    public Task<IListener> ListenAsync(ListenPlan plan, CancellationToken cancellationToken)
        => Task.FromResult<IListener>(new Listener(plan));

    public IDialler Dial(DialPlan plan, CancellationToken cancellationToken) => new CSharpDialler(plan, cancellationToken);

    public IBoth Both(BothPlan plan, CancellationToken cancellationToken) => new CSharpBoth(plan, cancellationToken);

    internal static PacketSecEndpoint Bind(PeerKey identity, IPEndPoint address, TimeSpan lifetime, PeerMode mode, Speech speech) => PacketSecEndpoint.Bind(new()
    {
        Identity = identity.Identity,
        LocalEndPoint = address,
        SessionLifetimes = SessionLifetimes.Shortened(lifetime),
        Schemes = speech.Schemes,
        DirectScheme = mode == PeerMode.Direct ? speech.Schemes[0] : null,
        AllowSchemeMixture = speech.IsMixture,
        NetworkKey = speech.KeyOfNetwork,
    });

    internal static SessionFact FactOf(PacketSecChannelEvent.SessionConfirmed session) => new(
        session.Role == SessionRole.Initiator,
        session.Agreement switch
        {
            null => SessionCase.Direct,
            { Case: NegotiationCase.Simultaneous } => SessionCase.Simultaneous,
            _ => SessionCase.Standard,
        },
        session.Agreement is { } agreement ? Convert.ToHexStringLower(agreement.Transcript) : null,
        session.Agreement?.Scheme);

    internal static EndReason ReasonOf(PacketSecError? error) => error switch
    {
        null => EndReason.Finished,
        PacketSecError.PeerClosed => EndReason.PeerClosed,
        PacketSecError.WrongIdentity => EndReason.WrongIdentity,
        PacketSecError.TimedOut => EndReason.TimedOut,
        PacketSecError.Refused => EndReason.Refused,
        PacketSecError.IdleTimeout => EndReason.IdleTimeout,
        _ => EndReason.Failed,
    };

    private sealed class Listener : IListener
    {
        private readonly PacketSecEndpoint _endpoint;
        private readonly Channel<EndReason> _ends = Channel.CreateUnbounded<EndReason>();
        private readonly ConcurrentBag<Task> _watchers = [];
        private readonly Task _accepting;
        private readonly SessionLog _sessions = new();

        public Listener(ListenPlan plan)
        {
            _endpoint = Bind(plan.Identity, plan.Address, plan.Lifetime, plan.Mode, plan.Speech);
            Address = _endpoint.LocalEndPoint;
            _accepting = AcceptAsync();
        }

        public IPEndPoint Address { get; }

        public IReadOnlyList<SessionFact> Sessions => _sessions.ToList();

        public Task<EndReason> NextEndAsync(CancellationToken cancellationToken) => _ends.Reader.ReadAsync(cancellationToken).AsTask();

        public async Task StopAsync(CancellationToken cancellationToken)
        {
            await _endpoint.DisposeAsync();
            await _accepting;
            await Task.WhenAll(_watchers);
        }

        public Task KillAsync() => StopAsync(CancellationToken.None);

        public async ValueTask DisposeAsync() => await StopAsync(CancellationToken.None);

        private async Task AcceptAsync()
        {
            try
            {
                await foreach (var channel in _endpoint.AcceptAllAsync())
                {
                    channel.OnDatagram(payload => channel.TrySend(payload));
                    _watchers.Add(WatchAsync(channel));
                }
            }
            catch (PacketSecException error) when (error.Error == PacketSecError.EndpointClosed)
            {
                // The way in which this loop ends.
            }
        }

        private async Task WatchAsync(PacketSecChannel channel)
        {
            await foreach (var happened in channel.ReadEventsAsync())
            {
                switch (happened)
                {
                    case PacketSecChannelEvent.SessionConfirmed session:
                        _sessions.Add(FactOf(session));
                        break;
                    case PacketSecChannelEvent.Closed closed:
                        await _ends.Writer.WriteAsync(ReasonOf(closed.Error));
                        break;
                }
            }
        }
    }
}
