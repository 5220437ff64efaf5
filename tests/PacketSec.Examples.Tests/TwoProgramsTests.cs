using System.Net;

namespace PacketSec.Examples.Tests;

public sealed class TwoProgramsTests : IDisposable
{
    private static readonly TimeSpan Ceiling = TimeSpan.FromSeconds(30);

    private readonly string _folder = Directory.CreateTempSubdirectory("packetsec-example-").FullName;

    [Fact]
    public async Task The_two_programs_of_the_readme_talk()
    {
        using var stop = new CancellationTokenSource(Ceiling);
        var bound = new TaskCompletionSource<PacketSecEndpoint>(TaskCreationOptions.RunContinuationsAsynchronously);
        var listening = TwoPrograms.ListenAsync(Path.Combine(_folder, "a.key"), new(IPAddress.Loopback, 0), bound.SetResult, stop.Token);
        var endpoint = await bound.Task.WaitAsync(stop.Token);

        var echoed = await TwoPrograms.DialAsync(Path.Combine(_folder, "b.key"), endpoint.LocalEndPoint, endpoint.PeerId, stop.Token);

        Assert.Equal("hello", echoed);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => listening);
    }

    [Fact]
    public async Task A_question_on_a_stream_is_answered_on_it()
    {
        using var stop = new CancellationTokenSource(Ceiling);
        using var identity = PacketSecIdentity.Generate();
        using var other = PacketSecIdentity.Generate();
        await using var listener = PacketSecEndpoint.Bind(new() { Identity = identity, LocalEndPoint = new(IPAddress.Loopback, 0) });
        await using var dialler = PacketSecEndpoint.Bind(new() { Identity = other, LocalEndPoint = new(IPAddress.Loopback, 0) });
        var dialled = dialler.ConnectAsync(listener.LocalEndPoint, listener.PeerId, stop.Token);
        var answering = TwoPrograms.AnswerAsync(await listener.AcceptAsync(stop.Token), stop.Token);

        Assert.Equal("how are you?", await TwoPrograms.FetchAsync(await dialled, "how are you?", stop.Token));
        await answering;
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
