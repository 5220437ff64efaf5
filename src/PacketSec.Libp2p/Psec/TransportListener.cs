using System.Threading.Channels;
using PacketSec.Libp2p.Addresses;
using PacketSec.Libp2p.Transports;

namespace PacketSec.Libp2p.Psec;

/// <summary>Connections that peers opened to one socket, until they are accepted.</summary>
internal sealed class TransportListener(Multiaddress localAddress) : IListener
{
    /// <summary>How many connections wait to be accepted. Past it they are closed.</summary>
    public const int Backlog = 256;

    private readonly Channel<IConnection> _waiting = Channel.CreateBounded<IConnection>(Backlog);
    private volatile bool _isClosed;

    public Multiaddress LocalAddress { get; } = localAddress;

    public bool IsOpen => !_isClosed;

    public async ValueTask<IConnection> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (await _waiting.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (_waiting.Reader.TryRead(out var connection))
            {
                return connection;
            }
        }

        throw new Libp2pException(Libp2pError.Closed, $"The listener at {LocalAddress} is closed.");
    }

    /// <summary>Offers a connection.</summary>
    /// <returns>False when the listener is closed or full.</returns>
    public bool TryOffer(IConnection connection) => _waiting.Writer.TryWrite(connection);

    public async ValueTask DisposeAsync()
    {
        _isClosed = true;
        if (_waiting.Writer.TryComplete())
        {
            // Nobody will have those that were not accepted. Each may wait for its peer.
            var closing = new List<Task>();
            while (_waiting.Reader.TryRead(out var connection))
            {
                closing.Add(connection.DisposeAsync().AsTask());
            }

            await Task.WhenAll(closing).ConfigureAwait(false);
        }
    }
}
