using System.Runtime.Versioning;
using PacketSec.Protocol.Schemes.MyChips.Tickets;
using PacketSec.Tests.Api;
using PacketSec.Tests.Cli;
using static PacketSec.Tests.Tickets.TicketSamples;

namespace PacketSec.Tests.Tickets;

public sealed class FileTicketStoreTests : IDisposable
{
    private const UnixFileMode FileOfOwner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode FolderOfOwner = FileOfOwner | UnixFileMode.UserExecute;

    private readonly TemporaryFolder _folder = new();
    private readonly LogRecorder _log = new();
    private readonly string _root;

    public FileTicketStoreTests() => _root = _folder["store"];

    public void Dispose()
    {
        _log.Dispose();
        _folder.Dispose();
    }

    //= spec/mychips.md#store-durable
    [Fact]
    public async Task A_use_and_its_user_are_known_to_the_next_process()
    {
        var record = Plain(2);
        await Open().AddAsync(record);
        Assert.Equal(TicketOutcome.Consumed, (await Open().ConsumeAsync(Claim(record))).Outcome);

        var next = Open();
        Assert.Equal(new(TicketOutcome.AlreadyByThisKey, new(Key(2), NotAfter)), await next.ConsumeAsync(Claim(record, now: NotAfter + 5)));
        Assert.Equal(record with { UsesSoFar = 1 }, Assert.Single(await next.ListAsync()));
        Assert.Equal(TicketOutcome.Consumed, (await next.ConsumeAsync(Claim(record, key: 3))).Outcome);
        Assert.Equal(TicketOutcome.Used, (await Open().ConsumeAsync(Claim(record, key: 4))).Outcome);
        Assert.Equal(0, next.UnreadableFiles);
    }

    [Fact]
    public async Task A_ticket_is_a_file_by_its_hash_and_a_use_one_with_its_number()
    {
        var record = Plain(2);
        var store = Open();
        await store.AddAsync(record);
        Assert.Equal([record.Hash.ToString()], NamesIn("tickets"));
        Assert.Empty(NamesIn("used"));
        await store.ConsumeAsync(Claim(record));
        await store.ConsumeAsync(Claim(record, key: 3));
        await store.ConsumeAsync(Claim(record, key: 4));

        Assert.Equal([record.Hash.ToString()], NamesIn("tickets"));
        Assert.Equal([$"{record.Hash}.1", $"{record.Hash}.2"], NamesIn("used"));
    }

    //= spec/mychips.md#store-owner
    [UnixFact]
    [UnsupportedOSPlatform("windows")]
    public async Task All_of_it_is_its_owner_s_alone()
    {
        var record = Plain();
        var store = Open();
        await store.AddAsync(record);
        await store.ConsumeAsync(Claim(record));
        Assert.All((string[])[_root, In("tickets"), In("used")], folder => Assert.Equal(FolderOfOwner, File.GetUnixFileMode(folder)));
        Assert.All(Directory.GetFiles(_root, "*", SearchOption.AllDirectories), file => Assert.Equal(FileOfOwner, File.GetUnixFileMode(file)));
    }

    //= spec/mychips.md#store-owner
    [UnixFact]
    [UnsupportedOSPlatform("windows")]
    public void A_folder_that_others_have_rights_to_is_refused_with_the_remedy()
    {
        Open();
        foreach (var folder in (string[])[_root, In("tickets"), In("used")])
        {
            foreach (var right in (UnixFileMode[])[UnixFileMode.GroupRead, UnixFileMode.GroupWrite, UnixFileMode.OtherExecute])
            {
                File.SetUnixFileMode(folder, FolderOfOwner | right);
                var error = Assert.Throws<UnauthorizedAccessException>(Open);
                Assert.Contains($"chmod 700 '{folder}'", error.Message, StringComparison.Ordinal);
            }

            File.SetUnixFileMode(folder, FolderOfOwner);
        }

        Open();
    }

    [Fact]
    public void A_file_in_the_folder_s_place_is_an_error()
    {
        File.WriteAllText(_root, "");
        Assert.ThrowsAny<IOException>(Open);
    }

    //= spec/mychips.md#store-files
    [Fact]
    public async Task A_ticket_that_cannot_be_read_is_unknown_counted_and_logged_and_not_listed()
    {
        var (whole, broken) = (Plain(1, "whole"), Plain(1, "broken"));
        var store = Open();
        await store.AddAsync(whole);
        await store.AddAsync(broken);
        var path = Path.Combine(In("tickets"), broken.Hash.ToString());
        var stored = await File.ReadAllBytesAsync(path);
        byte[][] contents =
        [
            [], stored[..^1], [.. stored, 0], [(byte)(stored[0] ^ 1), .. stored[1..]], new byte[1_000_000],
            await File.ReadAllBytesAsync(Path.Combine(In("tickets"), whole.Hash.ToString())),
        ];
        for (var i = 0; i < contents.Length; i++)
        {
            await File.WriteAllBytesAsync(path, contents[i]);
            Assert.Equal(new(TicketOutcome.Unknown), await store.ConsumeAsync(Claim(broken)));
            Assert.Equal(i + 1, store.UnreadableFiles);
        }

        Assert.All(_log.Entries, entry => Assert.Equal(15, entry.Id));
        Assert.Equal(contents.Length, _log.Entries.Count);
        Assert.Equal(whole, Assert.Single(await store.ListAsync()));
        Assert.Empty(NamesIn("used"));
        await File.WriteAllBytesAsync(path, stored);
        Assert.Equal(TicketOutcome.Consumed, (await store.ConsumeAsync(Claim(broken))).Outcome);
    }

    //= spec/mychips.md#store-files
    [Fact]
    public async Task A_folder_in_a_ticket_s_place_is_unreadable()
    {
        var record = Plain();
        var store = Open();
        Directory.CreateDirectory(Path.Combine(In("tickets"), record.Hash.ToString()));
        Assert.Equal(TicketOutcome.Unknown, (await store.ConsumeAsync(Claim(record))).Outcome);
        Assert.Equal(1, store.UnreadableFiles);
    }

    //= spec/mychips.md#store-files
    [Fact]
    public async Task A_use_that_cannot_be_read_is_a_use_by_somebody()
    {
        var record = Plain(2);
        var store = Open();
        await store.AddAsync(record);
        await store.ConsumeAsync(Claim(record));
        await File.WriteAllTextAsync(Path.Combine(In("used"), $"{record.Hash}.1"), "somebody");

        Assert.Equal(TicketOutcome.Consumed, (await store.ConsumeAsync(Claim(record))).Outcome);
        Assert.Equal(1, store.UnreadableFiles);
        Assert.Equal(TicketOutcome.Used, (await store.ConsumeAsync(Claim(record, key: 3))).Outcome);
        await File.WriteAllTextAsync(Path.Combine(In("used"), $"{record.Hash}.2"), "somebody");
        Assert.Equal(new(TicketOutcome.Used), await store.ConsumeAsync(Claim(record)));
    }

    [Fact]
    public async Task Uses_outlive_a_revocation_and_count_when_the_ticket_is_added_again()
    {
        var record = Plain();
        var store = Open();
        await store.AddAsync(record);
        await store.ConsumeAsync(Claim(record));
        await store.RevokeAsync(record.Hash);
        Assert.True(await store.AddAsync(record));
        Assert.Equal(TicketOutcome.Used, (await store.ConsumeAsync(Claim(record, key: 3))).Outcome);
    }

    [Fact]
    public async Task Other_files_are_passed_over()
    {
        var record = Plain();
        var store = Open();
        await store.AddAsync(record);
        await File.WriteAllTextAsync(Path.Combine(In("tickets"), "README"), "");
        await File.WriteAllTextAsync(Path.Combine(In("used"), $"{record.Hash}.0"), "");
        Assert.Equal(record, Assert.Single(await store.ListAsync()));
        Assert.Equal(TicketOutcome.Consumed, (await store.ConsumeAsync(Claim(record))).Outcome);
        Assert.Equal(0, store.UnreadableFiles);
    }

    [Fact]
    public void What_a_killed_process_left_half_written_is_removed_when_it_is_old()
    {
        Open();
        foreach (var folder in (string[])["tickets", "used"])
        {
            File.WriteAllText(Path.Combine(In(folder), ".old.tmp"), "");
            File.SetLastWriteTimeUtc(Path.Combine(In(folder), ".old.tmp"), DateTime.UtcNow.AddHours(-2));
            File.WriteAllText(Path.Combine(In(folder), ".new.tmp"), "");
        }

        Open();
        Assert.Equal([".new.tmp"], NamesIn("tickets"));
        Assert.Equal([".new.tmp"], NamesIn("used"));
    }

    [UnixFact]
    public async Task Where_a_use_cannot_be_written_nothing_is_granted()
    {
        var record = Plain();
        var store = Open();
        await store.AddAsync(record);
        Directory.Delete(In("used"));
        await Assert.ThrowsAnyAsync<IOException>(async () => await store.ConsumeAsync(Claim(record)));
        Open();
        Assert.Equal(TicketOutcome.Consumed, (await store.ConsumeAsync(Claim(record))).Outcome);
        Assert.Single(NamesIn("used"));
    }

    private FileTicketStore Open() => FileTicketStore.Open(_root, _log);

    private string In(string folder) => Path.Combine(_root, folder);

    private string[] NamesIn(string folder) => [.. Directory.EnumerateFiles(In(folder)).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];
}
