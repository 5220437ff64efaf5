using System.Net;
using PacketSec.Protocol.Sessions;

namespace PacketSec.Cli.Net;

/// <summary>The identity and the endpoint of one command.</summary>
internal sealed class LocalEndpoint : IAsyncDisposable
{
    // A name has more addresses, and the first may lead nowhere: the last one gets the library's whole deadline.
    private static readonly TimeSpan FirstAddressDeadline = TimeSpan.FromSeconds(3);

    private readonly PacketSecIdentity _identity;

    private LocalEndpoint(PacketSecIdentity identity, PacketSecEndpoint endpoint)
    {
        _identity = identity;
        Endpoint = endpoint;
    }

    public PacketSecEndpoint Endpoint { get; }

    /// <summary>Loads the key, or makes one, and binds the socket.</summary>
    /// <param name="keyFile">The key file, made if there is none; null makes an identity that is never saved.</param>
    /// <param name="bind">The address to bind.</param>
    /// <param name="lifetimes">The ages of sessions.</param>
    /// <param name="log">Where the library's log goes.</param>
    /// <param name="authorize">The question whether an identity may have a channel; null lets all in.</param>
    /// <exception cref="CliException">The key or the address cannot be used.</exception>
    public static LocalEndpoint Open(
        string? keyFile,
        IPEndPoint bind,
        SessionLifetimes lifetimes,
        ErrorLog log,
        Func<PeerIdentity, CancellationToken, ValueTask<bool>>? authorize = null)
    {
        var identity = keyFile is null ? PacketSecIdentity.Generate() : KeyFiles.LoadOrCreate(keyFile);
        try
        {
            return new(identity, PacketSecEndpoint.Bind(new()
            {
                Identity = identity,
                LocalEndPoint = bind,
                SessionLifetimes = lifetimes,
                LoggerFactory = log,
                Authorize = authorize,
            }));
        }
        catch (IOException error)
        {
            identity.Dispose();
            throw new CliException(ExitCodes.Address, error.Message, error);
        }
        catch
        {
            identity.Dispose();
            throw;
        }
    }

    /// <summary>Dials a peer.</summary>
    /// <exception cref="CliException">It cannot be reached, refuses, or is somebody else.</exception>
    public async Task<PacketSecChannel> ConnectAsync(PeerAddress peer, CancellationToken cancellationToken)
    {
        if (peer.Peer.Equals(Endpoint.PeerId))
        {
            throw new CliException(ExitCodes.Usage, $"{peer.Peer} is this side's own identity: dial with another --key than the peer's.");
        }

        var candidates = await peer.ResolveAsync(Endpoint.LocalEndPoint.Address, cancellationToken);
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
                return await Endpoint.ConnectAsync(candidates[i], peer.Peer, deadline.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                // Nobody answers at this address of the host; the next one may be the peer's.
            }
            catch (PacketSecException error) when (isLast || error.Error != PacketSecError.WrongIdentity)
            {
                throw Failures.From(error);
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
    }
}
