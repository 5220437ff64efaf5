using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using PacketSec.Diagnostics;
using PacketSec.Internal;
using PacketSec.Protocol.Schemes.MyChips.Tickets;

namespace PacketSec;

/// <summary>
/// Tickets in a directory, which several processes can share: a ticket is used once, whoever asks and whenever one is killed. A use is on the disk
/// before it is said.
/// </summary>
/// <remarks>
/// Thread-safe; reading and writing happens on the thread pool. On Windows a use is taken once too, but a loss of power may give it back, and the
/// directory's rights are its owner's to set.
/// </remarks>
public sealed class FileTicketStore : ITicketStore
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode Others = (UnixFileMode)0b111_111;

    private readonly string _tickets;
    private readonly string _used;
    private readonly ILogger _logger;
    private long _unreadable;

    private FileTicketStore(string directory, ILogger logger)
    {
        _tickets = Path.Combine(directory, "tickets");
        _used = Path.Combine(directory, "used");
        _logger = logger;
    }

    /// <summary>Gets how often a file could not be read, or was none of a store's.</summary>
    public long UnreadableFiles => Interlocked.Read(ref _unreadable);

    /// <summary>Opens a store, and makes it where there is none.</summary>
    /// <param name="directory">The directory, made where there is none. On Unix only its owner may have rights to it.</param>
    /// <param name="loggerFactory">Where unreadable files are reported; null for nowhere.</param>
    /// <exception cref="UnauthorizedAccessException">Group or others have rights to the directory (Unix), or the caller has none.</exception>
    /// <exception cref="IOException">The directory cannot be made or read.</exception>
    public static FileTicketStore Open(string directory, ILoggerFactory? loggerFactory = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        var root = Path.GetFullPath(directory);
        var store = new FileTicketStore(root, (loggerFactory ?? NullLoggerFactory.Instance).CreateLogger<FileTicketStore>());
        foreach (var folder in (string[])[root, store._tickets, store._used])
        {
            Prepare(folder);
        }

        DurableFiles.DeleteLeftovers(store._tickets);
        DurableFiles.DeleteLeftovers(store._used);
        return store;
    }

    /// <inheritdoc/>
    /// <exception cref="IOException">A use cannot be written. It may be gone or not.</exception>
    public ValueTask<TicketVerdict> ConsumeAsync(TicketClaim claim, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(claim);
        return RunAsync(() => Consume(claim), cancellationToken);
    }

    /// <inheritdoc/>
    /// <exception cref="IOException">The ticket cannot be written.</exception>
    public ValueTask<bool> AddAsync(TicketRecord record, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(record);
        return RunAsync(() => DurableFiles.TryCreate(TicketPath(record.Hash), record.ToStored()), cancellationToken);
    }

    /// <inheritdoc/>
    /// <exception cref="IOException">The ticket cannot be removed.</exception>
    public ValueTask<bool> RevokeAsync(TicketHash hash, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(hash);
        return RunAsync(() => DurableFiles.Delete(TicketPath(hash)), cancellationToken);
    }

    /// <inheritdoc/>
    /// <exception cref="IOException">The directory cannot be read.</exception>
    public ValueTask<IReadOnlyList<TicketRecord>> ListAsync(CancellationToken cancellationToken = default) => RunAsync(List, cancellationToken);

    private static ValueTask<T> RunAsync<T>(Func<T> work, CancellationToken cancellationToken) => new(Task.Run(work, cancellationToken));

    //= spec/mychips.md#store-owner
    private static void Prepare(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(folder);
            return;
        }

        if (!Directory.Exists(folder))
        {
            Directory.CreateDirectory(folder, OwnerOnly);
            DurableFiles.FlushFolder(Path.GetDirectoryName(folder)!);
        }

        if ((File.GetUnixFileMode(folder) & Others) != 0)
        {
            throw new UnauthorizedAccessException(
                $"The folder of tickets '{folder}' is open to group or others. Run: chmod 700 '{folder}' (and issue new tickets if others may have written there).");
        }
    }

    private string TicketPath(TicketHash hash) => Path.Combine(_tickets, hash.ToString());

    private string UsePath(TicketHash hash, int number) => Path.Combine(_used, $"{hash}.{number}");

    //= spec/mychips.md#ticket-verdict
    private TicketVerdict Consume(TicketClaim claim)
    {
        if (ReadTicket(claim.Hash) is not { } ticket)
        {
            return new(TicketOutcome.Unknown);
        }

        if (ticket.Conditions.Refuse(claim) is { } refusal)
        {
            return new(refusal);
        }

        while (true)
        {
            var uses = CountUses(ticket);
            if (FindRecent(claim, uses) is { } own)
            {
                // Its writer may not have come to this.
                DurableFiles.FlushFolder(_used);
                return new(TicketOutcome.AlreadyByThisKey, own);
            }

            if (ticket.Conditions.IsExpired(claim.Now))
            {
                return new(TicketOutcome.Expired);
            }

            if (uses == ticket.Conditions.Uses)
            {
                return new(TicketOutcome.Used, ReadUse(claim.Hash, uses));
            }

            //= spec/mychips.md#store-one-winner
            //= spec/mychips.md#store-durable
            var use = TicketUse.Of(claim);
            if (DurableFiles.TryCreate(UsePath(claim.Hash, uses + 1), use.ToStored(claim.Hash)))
            {
                //= spec/mychips.md#store-revoked
                return File.Exists(TicketPath(claim.Hash)) ? new(TicketOutcome.Consumed, use) : new(TicketOutcome.Unknown);
            }
        }
    }

    // Uses are numbered without gaps, so the last one is found by doubling and halving.
    private int CountUses(TicketRecord ticket)
    {
        var most = ticket.Conditions.Uses;
        int taken = 0, free = 1;
        while (free <= most && File.Exists(UsePath(ticket.Hash, free)))
        {
            taken = free;
            free = (int)Math.Min(2L * free, most + 1L);
        }

        while (free - taken > 1)
        {
            var middle = taken + ((free - taken) / 2);
            if (File.Exists(UsePath(ticket.Hash, middle)))
            {
                taken = middle;
            }
            else
            {
                free = middle;
            }
        }

        return taken;
    }

    // From the newest to the oldest, as far as they are recent.
    private TicketUse? FindRecent(TicketClaim claim, int uses)
    {
        for (var number = uses; number > 0; number--)
        {
            if (ReadUse(claim.Hash, number) is not { } use)
            {
                continue;
            }

            if (!use.IsRecent(claim.Now))
            {
                return null;
            }

            if (use.IsBy(claim.InitiatorKey))
            {
                return use;
            }
        }

        return null;
    }

    private IReadOnlyList<TicketRecord> List()
    {
        var records = new List<TicketRecord>();
        foreach (var name in Directory.EnumerateFiles(_tickets).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal))
        {
            if (TicketHash.TryParse(name, out var hash) && ReadTicket(hash) is { } ticket)
            {
                records.Add(ticket with { UsesSoFar = CountUses(ticket) });
            }
        }

        return records;
    }

    private TicketRecord? ReadTicket(TicketHash hash)
    {
        var path = TicketPath(hash);
        if (TryReadFile(path, TicketRecord.MaxStoredSize) is not { } stored)
        {
            return null;
        }

        if (TicketRecord.TryReadStored(stored, hash, out var record))
        {
            return record;
        }

        CountUnreadable(path, null);
        return null;
    }

    private TicketUse? ReadUse(TicketHash hash, int number)
    {
        var path = UsePath(hash, number);
        if (TryReadFile(path, TicketUse.MaxStoredSize) is not { } stored)
        {
            return null;
        }

        if (TicketUse.TryReadStored(stored, hash, out var use))
        {
            return use;
        }

        CountUnreadable(path, null);
        return null;
    }

    //= spec/mychips.md#store-files
    private byte[]? TryReadFile(string path, int maxSize)
    {
        try
        {
            using var file = new FileStream(path, new FileStreamOptions { BufferSize = 0 });
            var buffer = new byte[maxSize + 1];
            return buffer[..file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false)];
        }
        catch (FileNotFoundException)
        {
            return null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            CountUnreadable(path, error);
            return null;
        }
    }

    private void CountUnreadable(string path, Exception? error)
    {
        Interlocked.Increment(ref _unreadable);
        _logger.UnreadableTicketFile(error, path);
    }
}
