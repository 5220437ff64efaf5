using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using PacketSec.Libp2p.Negotiation;

namespace PacketSec.Libp2p.Tests.Negotiation;

public sealed class MultistreamSelectTests : IDisposable
{
    private const string Header = "\u0013/multistream/1.0.0\n";

    private readonly CancellationTokenSource _ceiling = new(TimeSpan.FromSeconds(30));
    private readonly Pipe _there = new();
    private readonly Pipe _back = new();

    private CancellationToken Ceiling => _ceiling.Token;

    private IDuplexPipe Dialler => new Duplex(_back.Reader, _there.Writer);

    private IDuplexPipe Listener => new Duplex(_there.Reader, _back.Writer);

    public void Dispose() => _ceiling.Dispose();

    [Theory]
    [InlineData("/a/1", new[] { "/a/1" }, new[] { "/b/1", "/a/1" })]
    [InlineData("/b/1", new[] { "/x/1", "/y/1", "/b/1" }, new[] { "/b/1" })]
    public async Task Both_sides_agree_on_the_first_choice_that_is_served(string agreed, string[] proposed, string[] served)
    {
        var listening = MultistreamSelect.ListenAsync(Listener, served, Ceiling);
        Assert.Equal(agreed, await MultistreamSelect.DialAsync(Dialler, proposed, Ceiling));
        Assert.Equal(agreed, await listening);
    }

    [Fact]
    public async Task Without_a_common_protocol_the_dialler_says_so_and_the_listener_waits_for_more()
    {
        var listening = MultistreamSelect.ListenAsync(Listener, ["/b/1"], Ceiling);
        var error = await Assert.ThrowsAsync<Libp2pException>(() => MultistreamSelect.DialAsync(Dialler, ["/x/1", "/y/1"], Ceiling));
        Assert.Equal(Libp2pError.NoCommonProtocol, error.Error);
        Assert.Contains("/y/1", error.Message, StringComparison.Ordinal);

        await _there.Writer.CompleteAsync();
        Assert.Null(await listening);
    }

    //= spec/libp2p.md#multistream-header
    [Fact]
    public async Task The_dialler_sends_its_first_proposal_without_waiting()
    {
        var dialling = MultistreamSelect.DialAsync(Dialler, ["/a/1"], Ceiling);
        Assert.Equal(Header + "\u0005/a/1\n", await ReadAsync(_there.Reader));
        await SendAsync(_back.Writer, Header + "\u0005/a/1\nand data behind it");

        Assert.Equal("/a/1", await dialling);
        Assert.Equal("and data behind it", await ReadAsync(_back.Reader));
    }

    //= spec/libp2p.md#multistream-header
    [Fact]
    public async Task The_listener_sends_its_header_without_waiting()
    {
        var listening = MultistreamSelect.ListenAsync(Listener, ["/a/1"], Ceiling);
        Assert.Equal(Header, await ReadAsync(_back.Reader));
        await SendAsync(_there.Writer, Header + "\u0005/a/1\nand data behind it");

        Assert.Equal("/a/1", await listening);
        Assert.Equal("\u0005/a/1\n", await ReadAsync(_back.Reader));
        Assert.Equal("and data behind it", await ReadAsync(_there.Reader));
    }

    //= spec/libp2p.md#multistream-proposals
    [Fact]
    public async Task A_list_is_answered_with_all_names()
    {
        var listening = MultistreamSelect.ListenAsync(Listener, ["/a/1", "/bb/1"], Ceiling);
        await SendAsync(_there.Writer, Header + "\u0003ls\n\u0005/x/1\n\u0006/bb/1\n");

        Assert.Equal("/bb/1", await listening);
        Assert.Equal(Header + "\u000e\u0005/a/1\n\u0006/bb/1\n\n" + "\u0003na\n\u0006/bb/1\n", await ReadAsync(_back.Reader));
    }

    //= spec/libp2p.md#multistream-proposals
    [Theory]
    [InlineData(63, true)]
    [InlineData(64, false)]
    public async Task The_64th_proposal_is_answered_and_none_after_it(int before, bool agreed)
    {
        var listening = MultistreamSelect.ListenAsync(Listener, ["/a/1"], Ceiling);
        await SendAsync(_there.Writer, Header + string.Concat(Enumerable.Repeat("\u0005/x/1\n", before)) + "\u0005/a/1\n");
        if (agreed)
        {
            Assert.Equal("/a/1", await listening);
        }
        else
        {
            Assert.Equal(Libp2pError.Malformed, (await Assert.ThrowsAsync<Libp2pException>(() => listening)).Error);
        }
    }

    //= spec/libp2p.md#multistream-message
    [Theory]
    [InlineData("\u0014/multistream/1.0.00\n\u0005/a/1\n")] // another version
    [InlineData("\u0005/a/1\n")] // no header
    [InlineData("\u0000")] // empty
    [InlineData("\u0001\n")]
    [InlineData("\u0012/multistream/1.0.0")] // no newline
    [InlineData(Header + "\u0006/a\n/1\n")] // two lines
    [InlineData(Header + "\u0005/a")] // cut off
    public async Task A_listener_gives_up_what_is_not_the_protocol(string sent)
    {
        var listening = MultistreamSelect.ListenAsync(Listener, ["/a/1"], Ceiling);
        await SendAsync(_there.Writer, sent);
        await _there.Writer.CompleteAsync();

        Assert.Equal(Libp2pError.Malformed, (await Assert.ThrowsAsync<Libp2pException>(() => listening)).Error);
    }

    //= spec/libp2p.md#multistream-message
    [Theory]
    [InlineData("85002f612f310a", true)] // a padded length
    [InlineData("0380800a", true)] // no UTF-8
    [InlineData("ffffff", false)] // a length above the bound, whatever follows
    public async Task A_listener_gives_up_bytes_that_are_no_line(string hex, bool ended)
    {
        var listening = MultistreamSelect.ListenAsync(Listener, ["/a/1"], Ceiling);
        await _there.Writer.WriteAsync((byte[])[.. Encoding.UTF8.GetBytes(Header), .. Convert.FromHexString(hex)], Ceiling);
        if (ended)
        {
            await _there.Writer.CompleteAsync();
        }

        Assert.Equal(Libp2pError.Malformed, (await Assert.ThrowsAsync<Libp2pException>(() => listening)).Error);
    }

    //= spec/libp2p.md#multistream-message
    [Theory]
    [InlineData(1024, "na")]
    [InlineData(1025, null)]
    public async Task A_line_has_1024_bytes(int size, string? answer)
    {
        var listening = MultistreamSelect.ListenAsync(Listener, ["/a/1"], Ceiling);
        byte[] line = [.. Enumerable.Repeat((byte)'x', size - 1), (byte)'\n'];
        await _there.Writer.WriteAsync((byte[])[.. Encoding.UTF8.GetBytes(Header), (byte)(0x80 | (size & 0x7f)), (byte)(size >> 7), .. line], Ceiling);
        await _there.Writer.CompleteAsync();
        if (answer is null)
        {
            Assert.Equal(Libp2pError.Malformed, (await Assert.ThrowsAsync<Libp2pException>(() => listening)).Error);
            return;
        }

        Assert.Null(await listening);
        Assert.Equal(Header + "\u0003na\n", await ReadAsync(_back.Reader));
    }

    [Theory]
    [InlineData(Header + "\u0005/b/1\n")] // not what was proposed
    [InlineData("\u0005/a/1\n")] // no header
    [InlineData(Header)] // nothing more
    public async Task A_dialler_gives_up_an_answer_that_is_none(string sent)
    {
        var dialling = MultistreamSelect.DialAsync(Dialler, ["/a/1"], Ceiling);
        await SendAsync(_back.Writer, sent);
        await _back.Writer.CompleteAsync();

        Assert.Equal(Libp2pError.Malformed, (await Assert.ThrowsAsync<Libp2pException>(() => dialling)).Error);
    }

    [Theory]
    [InlineData("")]
    [InlineData("na")]
    [InlineData("ls")]
    [InlineData("/a\n")]
    [InlineData("/multistream/1.0.0")]
    public async Task What_is_no_name_is_a_callers_mistake(string name)
    {
        await Assert.ThrowsAsync<ArgumentException>(() => MultistreamSelect.DialAsync(Dialler, [name], Ceiling));
        await Assert.ThrowsAsync<ArgumentException>(() => MultistreamSelect.ListenAsync(Listener, [name], Ceiling));
        await Assert.ThrowsAsync<ArgumentException>(() => MultistreamSelect.DialAsync(Dialler, [], Ceiling));
    }

    [Fact]
    public void A_message_is_taken_when_all_of_it_is_there()
    {
        byte[] bytes = [0x81, 0x01, .. Enumerable.Repeat((byte)7, 129), 9];
        for (var length = 0; length < bytes.Length - 1; length++)
        {
            var part = new ReadOnlySequence<byte>(bytes, 0, length);
            Assert.Equal(MessageStatus.Incomplete, DelimitedMessage.TryTake(ref part, 129, out _));
            Assert.Equal(length, part.Length);
        }

        var all = new ReadOnlySequence<byte>(bytes);
        Assert.Equal(MessageStatus.Malformed, DelimitedMessage.TryTake(ref all, 128, out _));
        Assert.Equal(MessageStatus.Complete, DelimitedMessage.TryTake(ref all, 129, out var message));
        Assert.Equal(bytes[2..^1], message.ToArray());
        Assert.Equal([9], all.ToArray());
    }

    private static async Task<string> ReadAsync(PipeReader reader)
    {
        var result = await reader.ReadAsync();
        var text = Encoding.UTF8.GetString(result.Buffer);
        reader.AdvanceTo(result.Buffer.End);
        return text;
    }

    private static async Task SendAsync(PipeWriter writer, string text) => await writer.WriteAsync(Encoding.UTF8.GetBytes(text));

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
