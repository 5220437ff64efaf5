using System.Security.Cryptography;
using System.Text;
using PacketSec.Cli;
using PacketSec.Cli.Transfer;
using PacketSec.Protocol.Identity;

namespace PacketSec.Tests.Cli;

/// <summary><c>psec send</c> and <c>psec receive</c>, over loopback.</summary>
[Collection(SocketsCollection.Name)]
public sealed class TransferCommandTests : IDisposable
{
    private const int Ceiling = SocketsCollection.CeilingMilliseconds;

    private readonly TemporaryFolder _folder = new();
    private readonly string _into;

    public TransferCommandTests()
    {
        _into = _folder["in"];
        Directory.CreateDirectory(_into);
    }

    public void Dispose() => _folder.Dispose();

    [Theory(Timeout = Ceiling)]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(HashingFile.Piece)]
    [InlineData((3 * HashingFile.Piece) + 7)]
    public async Task A_file_arrives_under_its_name_with_one_hash_at_both_sides(int size)
    {
        var bytes = Make("file.bin", size);
        await using var receiver = await ReceiveAsync("--once");
        var sent = await CliRun.InvokeAsync("send", "--json", _folder["file.bin"], await receiver.AddressAsync());

        Assert.Equal((ExitCodes.Success, ""), (sent.ExitCode, sent.Error));
        var line = sent.JsonLines()[^1];
        Assert.Equal(("sent", Hash(bytes)), (line.GetProperty("type").GetString(), line.GetProperty("sha256").GetString()));
        Assert.Equal((size, 0, 1), (line.GetProperty("bytes").GetInt32(), line.GetProperty("resumed_from").GetInt32(), line.GetProperty("tries").GetInt32()));
        Assert.Equal(ExitCodes.Success, await receiver.ExitAsync());
        var received = await receiver.Output.WaitForJsonAsync("received");
        Assert.Equal(("file.bin", Hash(bytes)), (received.GetProperty("name").GetString(), received.GetProperty("sha256").GetString()));
        Assert.Equal(bytes, File.ReadAllBytes(Path.Combine(_into, "file.bin")));
        Assert.Single(Directory.GetFileSystemEntries(_into));
    }

    [Theory(Timeout = Ceiling)]
    [InlineData(300_000, true, 300_000)]
    [InlineData(400_001, true, 400_001)]
    [InlineData(300_000, false, 0)]
    [InlineData(400_002, false, 0)]
    public async Task A_transfer_goes_on_behind_what_is_there_and_anew_where_that_is_something_else(int length, bool isSame, int resumed)
    {
        var bytes = Make("file.bin", 400_001);
        var there = isSame ? bytes[..length] : new byte[length];
        File.WriteAllBytes(Path.Combine(_into, "file.bin.part"), there);
        await using var receiver = await ReceiveAsync("--once");
        var sent = await CliRun.InvokeAsync("send", "--json", _folder["file.bin"], await receiver.AddressAsync());

        Assert.Equal((ExitCodes.Success, ""), (sent.ExitCode, sent.Error));
        Assert.Equal(resumed, sent.JsonLines()[^1].GetProperty("resumed_from").GetInt32());
        Assert.Equal(bytes.Length - resumed, sent.JsonLines()[^1].GetProperty("moved").GetInt32());
        Assert.Equal(ExitCodes.Success, await receiver.ExitAsync());
        Assert.Equal(bytes, File.ReadAllBytes(Path.Combine(_into, "file.bin")));
        Assert.Single(Directory.GetFileSystemEntries(_into));
    }

    [Fact(Timeout = Ceiling)]
    public async Task A_file_that_is_there_is_not_overwritten_unless_that_was_asked_for()
    {
        var bytes = Make("file.bin", 10);
        var there = Path.Combine(_into, "file.bin");
        File.WriteAllText(there, "mine");
        await using (var receiver = await ReceiveAsync())
        {
            var refused = await CliRun.InvokeAsync("send", _folder["file.bin"], await receiver.AddressAsync());
            refused.AssertFails(ExitCodes.Refused, "file.bin", "--overwrite");
            Assert.Equal("Exists", (await receiver.Output.WaitForJsonAsync("refused")).GetProperty("code").GetString());
            Assert.Equal("mine", File.ReadAllText(there));
            Assert.Single(Directory.GetFileSystemEntries(_into));
            Assert.Equal(ExitCodes.Success, await receiver.StopAsync());
        }

        await using var replacing = await ReceiveAsync("--once", "--overwrite");
        Assert.Equal(ExitCodes.Success, (await CliRun.InvokeAsync("send", _folder["file.bin"], await replacing.AddressAsync())).ExitCode);
        Assert.Equal(ExitCodes.Success, await replacing.ExitAsync());
        Assert.Equal(bytes, File.ReadAllBytes(there));
    }

    [UnixFact(Timeout = 3 * Ceiling)]
    public async Task A_transfer_whose_receiver_is_killed_in_its_middle_goes_on_with_the_one_that_follows()
    {
        const int Size = 192 * 1024 * 1024;
        var path = _folder["large.bin"];
        using (var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, preallocationSize: 0))
        {
            RandomAccess.SetLength(file, Size);
            for (var i = 0; i < Size; i += 1 << 20)
            {
                RandomAccess.Write(file, BitConverter.GetBytes(i + 1), i);
            }
        }

        var part = new FileInfo(Path.Combine(_into, "large.bin.part"));
        using var killed = ChildCli.Start("receive", "--json", "--key", _folder["key"], "--bind", "127.0.0.1:0", "--into", _into);
        var listening = await killed.Output.WaitForJsonAsync("listening");
        var address = $"{listening.GetProperty("peer").GetString()}@127.0.0.1:{listening.GetProperty("port").GetInt32()}";
        await using var send = RunningCli.Start("send", "--json", path, address);
        await killed.Output.WaitForJsonAsync("receiving");
        await Api.Until.TrueAsync(() =>
        {
            part.Refresh();
            return part.Exists && part.Length > 0;
        });
        await killed.CrashAsync();
        part.Refresh();
        var kept = part.Length;
        Assert.InRange(kept, 1, Size - 1);

        using var following = ChildCli.Start(
            "receive", "--json", "--once", "--key", _folder["key"], "--bind", $"127.0.0.1:{address.Split(':')[^1]}", "--into", _into);
        Assert.Equal(ExitCodes.Success, await send.ExitAsync());
        var sent = await send.Output.WaitForJsonAsync("sent");
        Assert.Equal((kept, 2), (sent.GetProperty("resumed_from").GetInt64(), sent.GetProperty("tries").GetInt32()));
        Assert.Equal(ExitCodes.Success, await following.ExitAsync());
        var received = await following.Output.WaitForJsonAsync("received");
        Assert.Equal(sent.GetProperty("sha256").GetString(), received.GetProperty("sha256").GetString());
        using var original = File.OpenRead(path);
        using var copy = File.OpenRead(Path.Combine(_into, "large.bin"));
        Assert.Equal(await SHA256.HashDataAsync(original), await SHA256.HashDataAsync(copy));
        await send.Output.WaitForJsonAsync("interrupted");
        Assert.Empty(send.Error.Lines);
    }

    [Fact(Timeout = Ceiling)]
    public async Task A_sender_whose_receiver_has_gone_gives_up_after_its_time_and_says_how_to_go_on()
    {
        Make("file.bin", 1);
        await using var receiver = await ReceiveAsync();
        var address = await receiver.AddressAsync();
        using var busy = File.Open(Path.Combine(_into, "file.bin.part"), FileMode.Create, FileAccess.ReadWrite, FileShare.None);
        await using var peer = await RawPeer.DialAsync(address);
        await using var stream = await peer.OfferAsync(new FileOffer("file.bin", 100, false).ToBytes());
        Assert.Equal(20, await RawPeer.ReadCodeAsync(stream));

        await using var second = await peer.OfferAsync(new FileOffer("other.bin", 100, false).ToBytes());
        Assert.Equal(0, await RawPeer.ReadCodeAsync(second));
        File.Copy(_folder["file.bin"], _folder["other.bin"]);
        var sent = await CliRun.InvokeAsync("send", "--retry", "0.3", _folder["other.bin"], address);
        Assert.Equal(ExitCodes.Refused, sent.ExitCode);
        Assert.Contains("busy", sent.Error, StringComparison.Ordinal);
        Assert.Contains("the same command goes on", sent.Error, StringComparison.Ordinal);
    }

    [Theory(Timeout = Ceiling)]
    [InlineData("../escape")]
    [InlineData("/escape")]
    [InlineData("a\\b")]
    [InlineData(".hidden")]
    [InlineData("x.part")]
    public async Task A_name_from_the_network_that_is_no_plain_name_is_refused_and_makes_no_file(string name)
    {
        await using var receiver = await ReceiveAsync();
        await using var peer = await RawPeer.DialAsync(await receiver.AddressAsync());
        await using var stream = await peer.OfferAsync(new FileOffer(name, 1, false).ToBytes());
        Assert.Equal((byte)TransferCode.BadName, await RawPeer.ReadCodeAsync(stream));
        Assert.Equal("BadName", (await receiver.Output.WaitForJsonAsync("refused")).GetProperty("code").GetString());
        Assert.Empty(Directory.GetFileSystemEntries(_into));
    }

    [UnixFact(Timeout = Ceiling)]
    public async Task A_link_in_place_of_a_part_is_not_followed()
    {
        var elsewhere = _folder["elsewhere"];
        File.WriteAllText(elsewhere, "mine");
        File.CreateSymbolicLink(Path.Combine(_into, "file.part"), elsewhere);
        await using var receiver = await ReceiveAsync();
        await using var peer = await RawPeer.DialAsync(await receiver.AddressAsync());
        await using var stream = await peer.OfferAsync(new FileOffer("file", 100, false).ToBytes());
        Assert.Equal((byte)TransferCode.CannotWrite, await RawPeer.ReadCodeAsync(stream));
        Assert.Contains("is a link", (await receiver.Output.WaitForJsonAsync("refused")).GetProperty("reason").GetString(), StringComparison.Ordinal);
        Assert.Equal("mine", File.ReadAllText(elsewhere));
    }

    [Fact(Timeout = Ceiling)]
    public async Task A_file_that_has_no_room_is_refused_and_makes_no_file()
    {
        await using var receiver = await ReceiveAsync();
        await using var peer = await RawPeer.DialAsync(await receiver.AddressAsync());
        await using var stream = await peer.OfferAsync(new FileOffer("large", long.MaxValue, false).ToBytes());
        Assert.Equal((byte)TransferCode.NoSpace, await RawPeer.ReadCodeAsync(stream));
        Assert.Empty(Directory.GetFileSystemEntries(_into));
    }

    [Theory(Timeout = Ceiling)]
    [InlineData("70736563 66696c65 02 00 0000000000000001 01 61")]
    [InlineData("70736563 66696c66 01 00 0000000000000001 01 61")]
    [InlineData("70736563 66696c65 01 02 0000000000000001 01 61")]
    [InlineData("70736563 66696c65 01 00 8000000000000001 01 61")]
    [InlineData("70736563 66696c65 01 00 0000000000000001 00")]
    [InlineData("70736563 66696c65 01 00 0000000000000001 fb 61")]
    [InlineData("70736563 66696c65 01 00 0000000000000001 01 ff")]
    [InlineData("70736563 66696c65 01 00 0000000000000001 01 61 0000000000000002")]
    [InlineData("70736563 66696c65 01 00 0000000000000000 01 61 0000000000000000 e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 00")]
    public async Task What_does_not_keep_to_the_protocol_ends_the_connection(string messages)
    {
        await using var receiver = await ReceiveAsync();
        await using var peer = await RawPeer.DialAsync(await receiver.AddressAsync());
        await using var stream = await peer.OfferAsync(Convert.FromHexString(messages.Replace(" ", "", StringComparison.Ordinal)));
        var end = await peer.Connection.Closed.WaitAsync(TimeSpan.FromMilliseconds(Ceiling));
        Assert.Equal((PacketSecConnectionError.ClosedByPeer, 1), (end.Error, end.Code));
        Assert.False(File.Exists(Path.Combine(_into, "a")));
        await receiver.Error.WaitForAsync(line => line.StartsWith("psec: ", StringComparison.Ordinal));
    }

    [Fact(Timeout = Ceiling)]
    public async Task What_arrives_with_another_hash_is_deleted_and_told()
    {
        await using var receiver = await ReceiveAsync();
        await using var peer = await RawPeer.DialAsync(await receiver.AddressAsync());
        byte[] rest = [.. new byte[8], 1, 2, 3, .. SHA256.HashData([1, 2, 4])];
        await using var stream = await peer.OfferAsync([.. new FileOffer("file", 3, false).ToBytes(), .. rest]);
        stream.CompleteWrites();
        var answer = await RawPeer.ReadAsync(stream, 41);
        Assert.Equal(SHA256.HashData([]), answer[9..]);
        byte[] expected = [(byte)TransferCode.Compare, .. SHA256.HashData([1, 2, 3])];
        Assert.Equal(expected, await RawPeer.ReadAsync(stream, 33));
        await receiver.Output.WaitForJsonAsync("refused");
        Assert.Empty(Directory.GetFileSystemEntries(_into));
    }

    [Theory(Timeout = Ceiling)]
    [InlineData(true, TransferCode.Compare)]
    [InlineData(false, TransferCode.Exists)]
    public async Task Who_lost_the_result_learns_the_hash_of_the_file_that_is_there(bool isRepeated, object code)
    {
        File.WriteAllText(Path.Combine(_into, "file"), "abc");
        await using var receiver = await ReceiveAsync();
        await using var peer = await RawPeer.DialAsync(await receiver.AddressAsync());
        await using var stream = await peer.OfferAsync(new FileOffer("file", 3, isRepeated).ToBytes());
        byte[] expected = isRepeated ? [1, 0, 0, 0, 0, 0, 0, 0, 3, .. SHA256.HashData("abc"u8)] : [(byte)(TransferCode)code, .. new byte[40]];
        Assert.Equal(expected, await RawPeer.ReadAsync(stream, 41));
    }

    [Fact(Timeout = Ceiling)]
    public async Task Who_is_not_allowed_sends_nothing()
    {
        Make("file.bin", 10);
        using var friend = PacketSecIdentity.Generate();
        await using var receiver = await ReceiveAsync("--allow", friend.PeerId.ToString());
        var sent = await CliRun.InvokeAsync("send", "--retry", "0", _folder["file.bin"], await receiver.AddressAsync());
        Assert.NotEqual(ExitCodes.Success, sent.ExitCode);
        Assert.Empty(Directory.GetFileSystemEntries(_into));
    }

    [Fact(Timeout = Ceiling)]
    public async Task A_missing_file_or_folder_and_an_unfit_name_are_told_before_anything_is_dialled()
    {
        using var identity = PacketSecIdentity.Generate();
        var address = $"{identity.PeerId}@127.0.0.1:9";
        (await CliRun.InvokeAsync("send", _folder["missing"], address)).AssertFails(ExitCodes.File, "missing");
        Make(".hidden", 1);
        (await CliRun.InvokeAsync("send", _folder[".hidden"], address)).AssertFails(ExitCodes.Usage, ".hidden", "Rename");
        (await CliRun.InvokeAsync("receive", "--into", _folder["nowhere"])).AssertFails(ExitCodes.File, "nowhere", "--into");
    }

    private async Task<RunningCli> ReceiveAsync(params string[] args)
    {
        var receiver = RunningCli.Start(["receive", "--json", "--key", _folder["key"], "--bind", "127.0.0.1:0", "--into", _into, .. args]);
        await receiver.AddressAsync();
        return receiver;
    }

    private byte[] Make(string name, int size)
    {
        var bytes = new byte[size];
        new Random(size).NextBytes(bytes);
        File.WriteAllBytes(_folder[name], bytes);
        return bytes;
    }

    private static string Hash(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    /// <summary>A peer that says what a test tells it.</summary>
    private sealed class RawPeer : IAsyncDisposable
    {
        private readonly PacketSecIdentity _identity = PacketSecIdentity.Generate();
        private readonly PacketSecEndpoint _endpoint;

        private RawPeer() => _endpoint = PacketSecEndpoint.Bind(new() { Identity = _identity, LocalEndPoint = new(System.Net.IPAddress.Loopback, 0), ClosesAtOnce = true });

        public PacketSecConnection Connection { get; private set; } = null!;

        public static async Task<RawPeer> DialAsync(string address)
        {
            var peer = new RawPeer();
            var (id, endPoint) = (address.Split('@')[0], System.Net.IPEndPoint.Parse(address.Split('@')[1]));
            Assert.True(PeerId.TryParse(id, out var remote));
            using var ceiling = Api.EndpointPair.Ceiling();
            peer.Connection = PacketSecConnection.Open(await peer._endpoint.ConnectAsync(endPoint, remote, ceiling.Token));
            return peer;
        }

        public static async Task<byte> ReadCodeAsync(PacketSecStream stream) => (await ReadAsync(stream, 41))[0];

        public static async Task<byte[]> ReadAsync(PacketSecStream stream, int length)
        {
            using var ceiling = Api.EndpointPair.Ceiling();
            var bytes = new byte[length];
            await stream.ReadExactlyAsync(bytes, ceiling.Token);
            return bytes;
        }

        public async Task<PacketSecStream> OfferAsync(byte[] bytes)
        {
            using var ceiling = Api.EndpointPair.Ceiling();
            var stream = await Connection.OpenStreamAsync(ceiling.Token);
            await stream.WriteAsync(bytes, ceiling.Token);
            return stream;
        }

        public async ValueTask DisposeAsync()
        {
            await Connection.DisposeAsync();
            await _endpoint.DisposeAsync();
            _identity.Dispose();
        }
    }
}

/// <summary>Which names are taken.</summary>
public sealed class FileNameTests
{
    [Theory]
    [InlineData("a", true)]
    [InlineData("Grüße 2026.tar.gz", true)]
    [InlineData("CONSOLE", true)]
    [InlineData("part", true)]
    [InlineData("-rf", true)]
    [InlineData("", false)]
    [InlineData(".", false)]
    [InlineData("..", false)]
    [InlineData("a.", false)]
    [InlineData("a ", false)]
    [InlineData("a/b", false)]
    [InlineData("C:a", false)]
    [InlineData("a\0b", false)]
    [InlineData("a\nb", false)]
    [InlineData("a\u202Eb", false)]
    [InlineData("a.PART", false)]
    [InlineData("con.txt", false)]
    [InlineData("LPT1", false)]
    [InlineData("com\u00B3.log", false)]
    [InlineData("LPT\u2074", true)]
    [InlineData("conin$", false)]
    public void A_name_is_taken_or_refused_with_a_reason(string name, bool isTaken) => Assert.Equal(isTaken, FileName.ProblemOf(name) is null);

    [Fact]
    public void A_name_has_250_bytes_and_not_251()
    {
        Assert.Null(FileName.ProblemOf(new('ü', FileName.MaxLength / 2)));
        Assert.NotNull(FileName.ProblemOf(new string('ü', FileName.MaxLength / 2) + "a"));
        Assert.True(Encoding.UTF8.GetByteCount(new string('ü', FileName.MaxLength / 2)) == FileName.MaxLength);
    }

    [Fact]
    public void A_name_is_shown_without_what_would_move_the_cursor()
        => Assert.Equal("a\\u001b[2Jb\\u202ec", FileName.Printable("a\e[2Jb\u202Ec"));
}
