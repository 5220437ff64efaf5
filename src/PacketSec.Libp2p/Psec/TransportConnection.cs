using PacketSec.Libp2p.Addresses;
using PacketSec.Libp2p.Transports;
using PacketSec.Protocol.Identity;

namespace PacketSec.Libp2p.Psec;

/// <summary>A connection over a channel.</summary>
internal sealed class TransportConnection(PacketSecConnection connection) : IConnection
{
    /// <summary>Gets the connection beneath.</summary>
    public PacketSecConnection Inner => connection;

    public PeerId RemotePeerId => connection.RemotePeerId;

    public Multiaddress RemoteAddress => Multiaddress.FromEndPoint(connection.RemoteAddress, connection.RemotePeerId);

    public int MaxDatagramPayload => connection.MaxDatagramPayload;

    public Task<ConnectionEnd> Closed { get; } = EndOfAsync(connection);

    public async ValueTask<IStream> OpenStreamAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            return new TransportStream(await connection.OpenStreamAsync(cancellationToken).ConfigureAwait(false));
        }
        catch (Exception e) when (Translation.Takes(e))
        {
            throw Translation.Of(e);
        }
    }

    public async ValueTask<IStream> AcceptStreamAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            while (true)
            {
                var stream = await connection.AcceptStreamAsync(cancellationToken).ConfigureAwait(false);
                if (stream.CanWrite)
                {
                    return new TransportStream(stream);
                }

                // libp2p has no streams of one direction.
                await stream.DisposeAsync().ConfigureAwait(false);
            }
        }
        catch (Exception e) when (Translation.Takes(e))
        {
            throw Translation.Of(e);
        }
    }

    public bool TrySendDatagram(ReadOnlySpan<byte> payload)
    {
        try
        {
            return connection.TrySendDatagram(payload);
        }
        catch (Exception e) when (Translation.Takes(e))
        {
            throw Translation.Of(e);
        }
    }

    public async ValueTask<int> ReceiveDatagramAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            return await connection.ReceiveDatagramAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (Translation.Takes(e))
        {
            throw Translation.Of(e);
        }
    }

    public ValueTask CloseAsync(long code = 0, string reason = "") => connection.CloseAsync(code, reason);

    public ValueTask DisposeAsync() => connection.DisposeAsync();

    private static async Task<ConnectionEnd> EndOfAsync(PacketSecConnection connection)
        => Translation.Of(await connection.Closed.ConfigureAwait(false));
}
