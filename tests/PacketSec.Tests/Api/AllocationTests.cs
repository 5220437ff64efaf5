namespace PacketSec.Tests.Api;

/// <summary>A datagram costs no garbage: 10,000 of them are counted after a warm-up.</summary>
[Collection(SocketsCollection.Name)]
public class AllocationTests
{
    private const int WarmUp = 2_000;
    private const int Counted = 10_000;

    [Fact]
    public async Task Sending_allocates_nothing()
    {
        await using var pair = EndpointPair.Bind();
        var (dialled, accepted) = await pair.OpenAsync();
        accepted.OnDatagram(_ => { });

        Assert.Equal(0, Measure(dialled));
    }

    [Fact]
    public async Task Receiving_by_a_handler_allocates_nothing()
    {
        await using var pair = EndpointPair.Bind();
        var (dialled, accepted) = await pair.OpenAsync();
        var credit = new SemaphoreSlim(64);
        var allocated = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
        var count = 0;
        var before = 0L;
        accepted.OnDatagram(_ =>
        {
            count++;
            if (count == WarmUp)
            {
                before = GC.GetAllocatedBytesForCurrentThread();
            }
            else if (count == WarmUp + Counted)
            {
                allocated.TrySetResult(GC.GetAllocatedBytesForCurrentThread() - before);
            }

            credit.Release();
        });

        await SendAsync(dialled, credit, WarmUp + Counted);

        // The endpoint's thread has more to do than datagrams; a single byte for each would be 10,000.
        Assert.InRange(await allocated.Task.WithinCeiling(), 0, Counted / 2);
    }

    [Fact]
    public async Task Receiving_what_waits_allocates_nothing()
    {
        const int Batch = 500;
        await using var pair = EndpointPair.Bind();
        var (dialled, accepted) = await pair.OpenAsync();
        var buffer = new byte[2000];
        var payload = new byte[1000];
        var received = 0L;
        for (var round = 0; round < 1 + (Counted / Batch); round++)
        {
            for (var i = 0; i < Batch; i++)
            {
                dialled.TrySend(payload);
                if (i % 50 == 49)
                {
                    received += 50;
                    await Until.TrueAsync(() => accepted.GetStatistics().DatagramsReceived == received);
                }
            }

            var allocated = Receive(accepted, buffer, Batch);
            Assert.Equal(0, round == 0 ? 0 : allocated);
        }
    }

    private static long Measure(PacketSecChannel channel)
    {
        Span<byte> payload = stackalloc byte[1200];
        payload.Fill(1);
        var before = 0L;
        for (var i = 0; i < WarmUp + Counted; i++)
        {
            if (i == WarmUp)
            {
                before = GC.GetAllocatedBytesForCurrentThread();
            }

            channel.TrySend(payload);
        }

        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static long Receive(PacketSecChannel channel, byte[] buffer, int count)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < count; i++)
        {
#pragma warning disable CA1849, CA2012, xUnit1031 // Complete, as checked: nothing blocks, and an await could move to another thread.
            var receive = channel.ReceiveAsync(buffer);
            if (!receive.IsCompletedSuccessfully || receive.Result != 1000)
            {
                Assert.Fail("A datagram of 1,000 bytes was to wait.");
            }

#pragma warning restore CA1849, CA2012, xUnit1031
        }

        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static async Task SendAsync(PacketSecChannel channel, SemaphoreSlim credit, int count)
    {
        using var ceiling = EndpointPair.Ceiling();
        var payload = new byte[1200];
        for (var i = 0; i < count; i++)
        {
            await credit.WaitAsync(ceiling.Token);
            channel.TrySend(payload);
        }
    }
}
