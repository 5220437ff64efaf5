using System.Net;
using PacketSec.Internal;
using PacketSec.Protocol.Schemes;

namespace PacketSec.Cli.Net;

/// <summary>The identity and the endpoint of one command.</summary>
internal sealed class LocalEndpoint : IAsyncDisposable
{
    // A name has more addresses, and the first may lead nowhere: the last one gets the library's whole deadline.
    private static readonly TimeSpan FirstAddressDeadline = TimeSpan.FromSeconds(3);

    private readonly PacketSecIdentity _identity;
    private readonly NetworkKey? _network;
    private readonly Capture? _capture;
    private readonly IReadOnlyList<string> _schemes;

    private LocalEndpoint(PacketSecIdentity identity, NetworkKey? network, Capture? capture, PacketSecEndpointOptions options, PacketSecEndpoint endpoint)
    {
        _identity = identity;
        _network = network;
        _capture = capture;
        _schemes = options.Schemes;
        Endpoint = endpoint;
    }

    public PacketSecEndpoint Endpoint { get; }

    /// <summary>Loads the key, or makes one, and binds the socket.</summary>
    /// <param name="keyFile">The key file, made if there is none; null makes an identity that is never saved.</param>
    /// <param name="network">The network's key; disposed with the endpoint, and when there is none.</param>
    /// <param name="capture">Sees the datagrams; disposed with the endpoint, and when there is none.</param>
    /// <param name="options">Makes the endpoint's options.</param>
    /// <exception cref="CliException">The key or the address cannot be used.</exception>
    public static LocalEndpoint Open(
        string? keyFile, NetworkKey? network, Capture? capture, Func<PacketSecIdentity, IDatagramTap?, PacketSecEndpointOptions> options)
    {
        PacketSecIdentity? identity = null;
        PacketSecEndpointOptions? chosen = null;
        try
        {
            identity = keyFile is null ? PacketSecIdentity.Generate() : KeyFiles.LoadOrCreate(keyFile);
            chosen = options(identity, capture);
            return new(identity, network, capture, chosen, PacketSecEndpoint.Bind(chosen));
        }
        catch (Exception error)
        {
            identity?.Dispose();
            network?.Dispose();
            capture?.Dispose();
            ThrowIfExplained(error, chosen?.DatagramPath);
            throw;
        }
    }

    /// <summary>Throws what a person needs to know where an endpoint could not be bound.</summary>
    /// <param name="error">What the library threw.</param>
    /// <param name="path">The path that was asked for.</param>
    /// <exception cref="CliException">The error is one that the command line can mend.</exception>
    public static void ThrowIfExplained(Exception error, DatagramPath? path)
    {
        if (error is IOException)
        {
            throw new CliException(ExitCodes.Address, error.Message, error);
        }

        if (error is PlatformNotSupportedException && path == DatagramPath.Batched)
        {
            throw new CliException(ExitCodes.Usage, $"{error.Message} Leave --path batched out, or take --path portable.", error);
        }
    }

    /// <summary>Dials a peer.</summary>
    /// <param name="addresses">Where the one peer may be, the first choice first.</param>
    /// <param name="options">How to dial it.</param>
    /// <param name="cancellationToken">Ends the dial.</param>
    /// <exception cref="CliException">It cannot be reached, refuses, is somebody else, or has no scheme in common.</exception>
    public async Task<PacketSecChannel> ConnectAsync(
        IReadOnlyList<PeerAddress> addresses, PacketSecConnectOptions options, CancellationToken cancellationToken)
    {
        var peer = addresses[0];
        if (peer.Peer.Equals(Endpoint.PeerId))
        {
            throw new CliException(ExitCodes.Usage, $"{peer.Peer} is this side's own identity: dial with another --key than the peer's.");
        }

        options = peer.Pin(options);
        var candidates = await ResolveAsync(addresses, cancellationToken);
        for (var i = 0; ; i++)
        {
            var isLast = i == candidates.Count - 1;
            using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            if (!isLast)
            {
                deadline.CancelAfter(FirstAddressDeadline);
            }

            try
            {
                return await Endpoint.ConnectAsync(candidates[i], peer.Peer, options, deadline.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                // Nobody answers at this address of the host; the next one may be the peer's.
            }
            catch (PacketSecException error) when (isLast || error.Error != PacketSecError.WrongIdentity)
            {
                // What this machine could not send is no fault of the other side's way to agree on a scheme.
                throw Endpoint.GetStatistics().SendFailures > 0 ? Failures.From(error) : Failures.OfDial(error, peer.Peer, options.DirectScheme, _schemes);
            }
            catch (PacketSecException)
            {
                // Somebody else answers at this address of the host; the next one may be the peer's.
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Endpoint.DisposeAsync();
        _identity.Dispose();
        _network?.Dispose();
        _capture?.Dispose();
    }

    private async Task<List<IPEndPoint>> ResolveAsync(IReadOnlyList<PeerAddress> addresses, CancellationToken cancellationToken)
    {
        List<IPEndPoint> found = [];
        for (var i = 0; i < addresses.Count; i++)
        {
            try
            {
                found.AddRange(await addresses[i].ResolveAsync(Endpoint.LocalEndPoint.Address, cancellationToken));
            }
            catch (CliException) when (found.Count > 0 || i < addresses.Count - 1)
            {
                // Another address of the peer may lead to it.
            }
        }

        return found;
    }
}
