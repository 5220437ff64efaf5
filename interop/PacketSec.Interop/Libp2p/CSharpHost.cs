using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using PacketSec.Interop.Cells;
using PacketSec.Libp2p.Addresses;
using PacketSec.Libp2p.Hosting;
using PacketSec.Libp2p.Psec;
using PacketSec.Libp2p.Transports;

namespace PacketSec.Interop.Libp2p;

/// <summary>A host of this implementation that serves and uses the protocols of the runs: those that the JavaScript host's README describes.</summary>
internal sealed class CSharpHost : IAsyncDisposable
{
    private const string Echo = "/psec-test/echo/1.0.0";
    private const string Bulk = "/psec-test/bulk/1.0.0";
    private const string Datagrams = "/psec-test/datagrams/1.0.0";
    private const int Piece = 64 * 1024;

    private readonly PacketSecIdentity _identity;
    private readonly PacketSecTransport _transport;

    private CSharpHost(PacketSecIdentity identity, PacketSecTransport transport, Libp2pHost host)
        => (_identity, _transport, Host) = (identity, transport, host);

    public Libp2pHost Host { get; }

    public Multiaddress Address { get; private set; } = null!;

    public static async Task<CSharpHost> StartAsync(IReadOnlyList<string> schemes, CancellationToken cancellationToken)
    {
        var identity = PacketSecIdentity.Generate();
        var transport = new PacketSecTransport(new() { Identity = identity, LocalEndPoint = new(System.Net.IPAddress.Loopback, 0), Schemes = schemes });
        var host = new CSharpHost(identity, transport, Libp2pHost.Start(transport));
        host.Host.Handle(Echo, async (_, stream, cancellation) =>
        {
            await stream.Input.CopyToAsync(stream.Output, cancellation);
            stream.CompleteWrites();
        });
        host.Host.Handle(Bulk, (_, stream, cancellation) => ReceiveBulkAsync(stream, cancellation));
        host.Host.HandleFlow(Datagrams, async (_, flow, cancellation) =>
        {
            while (true)
            {
                flow.TrySend((await flow.ReceiveAsync(cancellation)).Span);
            }
        });
        host.Address = await host.Host.ListenAsync(Multiaddress.Parse("/ip4/127.0.0.1/udp/0/psec"), cancellationToken);
        return host;
    }

    /// <summary>Sends pseudo-random bytes, ends, and compares what comes back.</summary>
    public static async Task EchoAsync(PeerConnection connection, int size, CancellationToken cancellationToken)
    {
        var bytes = new byte[size];
        new Random(size).NextBytes(bytes);
        await using var stream = await connection.OpenStreamAsync(Echo, cancellationToken);
        var writing = WriteAsync(stream, bytes, cancellationToken);
        var back = new ArrayBufferWriter<byte>();
        await ReadAsync(stream, piece => back.Write(piece), cancellationToken);
        await writing;
        Require(back.WrittenSpan.SequenceEqual(bytes), $"an echo of {size} bytes came back as {back.WrittenCount} others");
    }

    /// <summary>Sends so many pseudo-random bytes, and compares the hash that comes back.</summary>
    public static async Task SendBulkAsync(PeerConnection connection, long size, CancellationToken cancellationToken)
    {
        await using var stream = await connection.OpenStreamAsync(Bulk, cancellationToken);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        BinaryPrimitives.WriteInt64BigEndian(stream.Output.GetSpan(sizeof(long)), size);
        stream.Output.Advance(sizeof(long));
        var random = new Random(1);
        for (var left = size; left > 0;)
        {
            var memory = stream.Output.GetMemory(Piece)[..(int)Math.Min(left, Piece)];
            random.NextBytes(memory.Span);
            hash.AppendData(memory.Span);
            stream.Output.Advance(memory.Length);
            await stream.Output.FlushAsync(cancellationToken);
            left -= memory.Length;
        }

        stream.CompleteWrites();
        var theirs = new ArrayBufferWriter<byte>();
        await ReadAsync(stream, piece => theirs.Write(piece), cancellationToken);
        Require(theirs.WrittenSpan.SequenceEqual(hash.GetHashAndReset()), $"the hash of {size} bytes differs at the other side");
    }

    /// <summary>Sends datagrams on a flow of its own, and counts those that come back within a time.</summary>
    public static async Task<int> DatagramsAsync(PeerConnection connection, int count, TimeSpan time, CancellationToken cancellationToken)
    {
        await using var flow = await connection.OpenFlowAsync(Datagrams, cancellationToken);
        using var ceiling = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        ceiling.CancelAfter(time);
        var back = new HashSet<int>();
        var receiving = Task.Run(
            async () =>
            {
                while (back.Count < count)
                {
                    back.Add(BinaryPrimitives.ReadInt32LittleEndian((await flow.ReceiveAsync(ceiling.Token)).Span));
                }
            },
            cancellationToken);
        var datagram = new byte[100];
        for (var i = 0; i < count; i++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(datagram, i);
            flow.TrySend(datagram);
            await Task.Delay(2, cancellationToken);
        }

        try
        {
            await receiving;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // What is not back by now was lost.
        }

        return back.Count;
    }

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        await _transport.DisposeAsync();
        _identity.Dispose();
    }

    public static void Require(bool condition, string failure)
    {
        if (!condition)
        {
            throw new CellFailure(failure);
        }
    }

    private static async Task ReceiveBulkAsync(IStream stream, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var header = await stream.Input.ReadAtLeastAsync(sizeof(long), cancellationToken);
        var size = BinaryPrimitives.ReadInt64BigEndian(header.Buffer.Slice(0, sizeof(long)).ToArray());
        stream.Input.AdvanceTo(header.Buffer.GetPosition(sizeof(long)));
        var read = 0L;
        await ReadAsync(
            stream,
            piece =>
            {
                hash.AppendData(piece);
                read += piece.Length;
            },
            cancellationToken);
        if (read != size)
        {
            stream.Reset(1);
            return;
        }

        await WriteAsync(stream, hash.GetHashAndReset(), cancellationToken);
    }

    private static async Task WriteAsync(IStream stream, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        await stream.Output.WriteAsync(bytes, cancellationToken);
        stream.CompleteWrites();
    }

    private static async Task ReadAsync(IStream stream, SpanAction take, CancellationToken cancellationToken)
    {
        while (true)
        {
            var result = await stream.Input.ReadAsync(cancellationToken);
            foreach (var piece in result.Buffer)
            {
                take(piece.Span);
            }

            stream.Input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
            {
                return;
            }
        }
    }

    private delegate void SpanAction(ReadOnlySpan<byte> piece);
}
