using System.Runtime.Versioning;
using PacketSec.Cli;
using PacketSec.Cli.Tickets;
using PacketSec.Crypto;
using PacketSec.Protocol.Schemes.MyChips.Tickets;
using QRCoder;

namespace PacketSec.Tests.Cli;

public sealed class TicketCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly PacketSecIdentity _identity = PacketSecIdentity.Generate();

    public TicketCommandTests() => _identity.Save(_folder["site.key"]);

    public void Dispose()
    {
        _identity.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_ticket_is_printed_as_text_and_link_and_kept_without_its_token()
    {
        var before = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var run = await IssueAsync("--address", "192.0.2.1:4001", "--address", "[::1]:4002", "--purpose", "tally", "--bind", $"{_identity.PeerId}", "--uses", "3", "--expires", "15m");
        Assert.Equal((ExitCodes.Success, ""), (run.ExitCode, run.Error));
        var lines = run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, lines.Length);
        Assert.Equal("psec-ticket:" + lines[0], lines[1]);

        Assert.True(Ticket.TryParse(lines[0], out var ticket, out _));
        using (ticket)
        {
            Assert.Equal(["192.0.2.1:4001", "[::1]:4002"], ticket.Addresses);
            Assert.Equal(_identity.PublicKey, ticket.SiteKey);
            Assert.Equal((3, "tally", _identity.PublicKey), (ticket.Conditions.Uses, ticket.Conditions.Purpose, ticket.Conditions.Binding.Key));
            Assert.InRange(ticket.Conditions.NotAfter - before, 15 * 60, (15 * 60) + 60);
            Assert.Equal(ticket.ToRecord(CryptoProvider.Default), Assert.Single(await Store().ListAsync()));
            foreach (var file in Directory.GetFiles(_folder["tickets"], "*", SearchOption.AllDirectories))
            {
                Assert.Equal(-1, (await File.ReadAllBytesAsync(file)).AsSpan().IndexOf(ticket.Token[..8]));
            }
        }
    }

    [Fact]
    public async Task Without_options_a_ticket_serves_anybody_once_within_an_hour()
    {
        var before = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        Assert.Equal(ExitCodes.Success, (await IssueAsync()).ExitCode);
        var record = Assert.Single(await Store().ListAsync());
        Assert.Equal((1, "", TicketBinding.None), (record.Conditions.Uses, record.Conditions.Purpose, record.Conditions.Binding));
        Assert.InRange(record.Conditions.NotAfter - before, 3600, 3660);
    }

    //= spec/mychips.md#token-random
    [Fact]
    public async Task Two_tickets_of_the_same_words_have_two_tokens()
    {
        var first = await IssueAsync();
        var second = await IssueAsync();
        Assert.NotEqual(first.Output, second.Output);
        Assert.Equal(2, (await Store().ListAsync()).Count);
    }

    [Fact]
    public async Task A_public_key_is_enough_to_issue()
    {
        await CliRun.InvokeAsync("convert", _folder["site.key"], _folder["site.pub"], "--format", "x509");
        var run = await CliRun.InvokeAsync("ticket", "issue", "--tickets", _folder["tickets"], "--key", _folder["site.pub"], "--json");
        var line = Assert.Single(run.JsonLines());
        Assert.True(Ticket.TryParse(line.GetProperty("link").GetString(), out var ticket, out _));
        using (ticket)
        {
            Assert.Equal(_identity.PublicKey, ticket.SiteKey);
            Assert.Equal(ticket.ToText(), line.GetProperty("text").GetString());
            Assert.Equal(ticket.ToRecord(CryptoProvider.Default).Hash.ToString(), line.GetProperty("hash").GetString());
        }
    }

    [Fact]
    public async Task Tickets_are_listed_and_revoked_by_the_beginning_of_their_hash()
    {
        await IssueAsync("--purpose", "tally", "--uses", "2");
        await IssueAsync("--bind", $"{_identity.PeerId}");
        var listed = await CliRun.InvokeAsync("ticket", "list", "--tickets", _folder["tickets"]);
        var lines = listed.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var tally = Assert.Single(lines, line => line.Contains("for \"tally\"", StringComparison.Ordinal));
        var bound = Assert.Single(lines, line => line.Contains($"only by {_identity.PeerId}", StringComparison.Ordinal));
        Assert.Matches("^[0-9a-f]{12}  expires 20[0-9T:-]+Z  2 of 2 uses left  for \"tally\"  by whoever has it$", tally);
        Assert.Contains("1 of 1 uses left  for no purpose", bound, StringComparison.Ordinal);

        var revoked = await CliRun.InvokeAsync("ticket", "revoke", "--tickets", _folder["tickets"], tally[..12]);
        Assert.Equal((ExitCodes.Success, $"revoked {tally}\n"), (revoked.ExitCode, revoked.Output));
        Assert.Equal(bound + "\n", (await CliRun.InvokeAsync("ticket", "list", "--tickets", _folder["tickets"])).Output);
        (await CliRun.InvokeAsync("ticket", "revoke", "--tickets", _folder["tickets"], tally[..12])).AssertFails(ExitCodes.Failed, "no ticket", "psec ticket list");
    }

    [Fact]
    public async Task Lists_tell_programs_all_and_nothing_secret()
    {
        var issued = Assert.Single((await IssueAsync("--purpose", "tally", "--bind", $"{_identity.PeerId}", "--uses", "2", "--json")).JsonLines());
        var hash = issued.GetProperty("hash").GetString()!;
        Assert.True(TicketHash.TryParse(hash, out var parsed));
        await Store().ConsumeAsync(new(parsed, _identity.PublicKey, null, "tally", 0));
        var line = Assert.Single((await CliRun.InvokeAsync("ticket", "list", "--tickets", _folder["tickets"], "--json")).JsonLines());

        Assert.Equal(["v", "type", "hash", "expires", "expired", "uses", "uses_left", "purpose", "bound_peer"], line.EnumerateObject().Select(property => property.Name));
        Assert.Equal(("ticket", hash, false, 2, 1), (line.GetProperty("type").GetString(), line.GetProperty("hash").GetString(), line.GetProperty("expired").GetBoolean(), line.GetProperty("uses").GetInt32(), line.GetProperty("uses_left").GetInt32()));
        Assert.Equal(("tally", $"{_identity.PeerId}"), (line.GetProperty("purpose").GetString(), line.GetProperty("bound_peer").GetString()));
        Assert.Equal("revoked", Assert.Single((await CliRun.InvokeAsync("ticket", "revoke", "--tickets", _folder["tickets"], hash, "--json")).JsonLines()).GetProperty("type").GetString());
    }

    [Fact]
    public async Task An_expired_ticket_is_listed_as_one_and_an_address_of_a_user_is_told()
    {
        using var ticket = _identity.IssueTicket([], new() { NotAfter = 1, Binding = TicketBinding.ToUser("b1@site") });
        await Store().AddAsync(ticket.ToRecord(CryptoProvider.Default));
        var text = (await CliRun.InvokeAsync("ticket", "list", "--tickets", _folder["tickets"])).Output;
        Assert.EndsWith("  expired 1970-01-01T00:00:01Z  1 of 1 uses left  for no purpose  only by who says to be b1@site\n", text, StringComparison.Ordinal);
        var line = Assert.Single((await CliRun.InvokeAsync("ticket", "list", "--tickets", _folder["tickets"], "--json")).JsonLines());
        Assert.Equal((true, "b1@site"), (line.GetProperty("expired").GetBoolean(), line.GetProperty("bound_user").GetString()));
    }

    [Fact]
    public async Task The_picture_is_the_qr_code_of_the_link_with_its_quiet_zone()
    {
        var line = Assert.Single((await IssueAsync("--address", "192.0.2.1:4001", "--qr", "--json")).JsonLines());
        var rows = line.GetProperty("qr").GetString()!.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        using var data = QRCodeGenerator.GenerateQrCode(line.GetProperty("link").GetString()!, QRCodeGenerator.ECCLevel.L);
        for (var y = 0; y < data.ModuleMatrix.Count; y++)
        {
            for (var x = 0; x < data.ModuleMatrix.Count; x++)
            {
                var isLight = rows[y / 2][x] == '█' || rows[y / 2][x] == (y % 2 == 0 ? '▀' : '▄');
                Assert.Equal(!data.ModuleMatrix[y][x], isLight);
            }
        }

        Assert.All(rows[0].Concat(rows[1]), character => Assert.Equal('█', character));
        var lines = (await IssueAsync("--qr")).Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.All((string[])[lines[2], lines[^2]], row => Assert.Equal(new('█', row.Length), row));
        var error = Assert.Throws<CliException>(() => TicketPicture.Of(new('x', 3000)));
        Assert.Contains("--qr", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("90s", 90)]
    [InlineData("2m", 120)]
    [InlineData("1h", 3600)]
    [InlineData("7d", 604_800)]
    public async Task Times_have_a_unit(string text, long seconds)
    {
        var before = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        await IssueAsync("--expires", text);
        Assert.InRange(Assert.Single(await Store().ListAsync()).Conditions.NotAfter - before, seconds, seconds + 60);
    }

    [Theory]
    [InlineData("--expires 0s", "90s, 15m")]
    [InlineData("--expires 5", "90s, 15m")]
    [InlineData("--expires -1h", "90s, 15m")]
    [InlineData("--expires 5w", "90s, 15m")]
    [InlineData("--expires 99999999h", "90s, 15m")]
    [InlineData("--address h", "no port")]
    [InlineData("--address h:0", "Port 0")]
    [InlineData("--address ::1:4001", "brackets")]
    [InlineData("--bind QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N", "Ed25519")]
    [InlineData("--bind me", "12D3KooW")]
    [InlineData("--uses 0", "1 to 65535")]
    [InlineData("--uses 65536", "1 to 65535")]
    public async Task A_wrong_option_has_its_line(string options, string word)
        => (await IssueAsync(options.Split(' '))).AssertFails(ExitCodes.Usage, word);

    [Fact]
    public async Task What_a_ticket_cannot_hold_is_told_and_nothing_is_kept()
    {
        (await IssueAsync([.. Enumerable.Range(1, 9).SelectMany(port => (string[])["--address", $"h:{port}"])])).AssertFails(ExitCodes.Usage, "8 addresses");
        (await IssueAsync("--purpose", new('p', 256))).AssertFails(ExitCodes.Usage, "255 bytes");
        (await IssueAsync("--purpose", "a\tb")).AssertFails(ExitCodes.Usage, "control characters");
        Assert.False(Directory.Exists(_folder["tickets"]));
    }

    [Fact]
    public async Task What_is_wrong_with_files_and_folders_is_told()
    {
        (await CliRun.InvokeAsync("ticket", "issue", "--tickets", _folder["tickets"], "--key", _folder["none"])).AssertFails(ExitCodes.KeyFile, "psec keygen");
        (await CliRun.InvokeAsync("ticket", "list", "--tickets", _folder["tickets"])).AssertFails(ExitCodes.File, "psec ticket issue");
        (await CliRun.InvokeAsync("ticket", "revoke", "--tickets", _folder["tickets"], "abcd")).AssertFails(ExitCodes.File, "psec ticket issue");
        (await CliRun.InvokeAsync("ticket", "issue", "--tickets", _folder["site.key"], "--key", _folder["site.key"])).AssertFails(ExitCodes.File, "site.key");
        (await CliRun.InvokeAsync("ticket", "issue", "--key", _folder["site.key"])).AssertFails(ExitCodes.Usage, "--tickets");
        await IssueAsync();
        (await CliRun.InvokeAsync("ticket", "revoke", "--tickets", _folder["tickets"], "abc")).AssertFails(ExitCodes.Usage, "4 or more");
        (await CliRun.InvokeAsync("ticket", "revoke", "--tickets", _folder["tickets"], "ABCD")).AssertFails(ExitCodes.Usage, "4 or more");
    }

    [Fact]
    public async Task A_beginning_that_two_hashes_share_revokes_neither()
    {
        await IssueAsync();
        var (first, second) = ($"abcd{new string('0', 60)}", $"abcd{new string('1', 60)}");
        foreach (var text in (string[])[first, second])
        {
            Assert.True(TicketHash.TryParse(text, out var hash));
            await Store().AddAsync(new(hash, new() { NotAfter = 1 }));
        }

        (await CliRun.InvokeAsync("ticket", "revoke", "--tickets", _folder["tickets"], "abcd")).AssertFails(ExitCodes.Failed, "2 tickets", "more digits");
        Assert.Equal(ExitCodes.Success, (await CliRun.InvokeAsync("ticket", "revoke", "--tickets", _folder["tickets"], "abcd1")).ExitCode);
        Assert.Contains(first, (await Store().ListAsync()).Select(record => record.Hash.ToString()));
        Assert.DoesNotContain(second, (await Store().ListAsync()).Select(record => record.Hash.ToString()));
    }

    [UnixFact]
    [UnsupportedOSPlatform("windows")]
    public async Task A_folder_that_others_can_read_is_refused_with_the_remedy()
    {
        await IssueAsync();
        File.SetUnixFileMode(_folder["tickets"], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherRead);
        (await IssueAsync()).AssertFails(ExitCodes.File, "chmod 700");
        (await CliRun.InvokeAsync("ticket", "list", "--tickets", _folder["tickets"])).AssertFails(ExitCodes.File, "chmod 700");
    }

    private Task<CliRun> IssueAsync(params string[] options)
        => CliRun.InvokeAsync(["ticket", "issue", "--tickets", _folder["tickets"], "--key", _folder["site.key"], .. options]);

    private FileTicketStore Store() => FileTicketStore.Open(_folder["tickets"]);
}
