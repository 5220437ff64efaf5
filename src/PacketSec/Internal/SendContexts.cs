using System.Numerics;
using PacketSec.Crypto;
using PacketSec.Protocol;
using PacketSec.Udp;

namespace PacketSec.Internal;

/// <summary>
/// Ciphers and buffers for threads that send: twice as many as there are processors, for threads that are taken off theirs while they have one, and
/// lent, not bound to threads, so that their number does not grow with the application's threads and their keys are wiped with the endpoint. Thread-safe.
/// </summary>
internal sealed class SendContexts : IDisposable
{
    private readonly ICryptoProvider _crypto;
    private readonly SendContext?[] _free = new SendContext?[BitOperations.RoundUpToPowerOf2(2 * (uint)Environment.ProcessorCount)];
    private bool _disposed;
    private int _erasures;

    public SendContexts(ICryptoProvider crypto) => _crypto = crypto;

    public SendContext Rent()
    {
        // A thread mostly gets the one that it had before, in whose cache it still is.
        var first = Thread.GetCurrentProcessorId();
        for (var i = 0; i < _free.Length; i++)
        {
            if (Interlocked.Exchange(ref _free[(first + i) & (_free.Length - 1)], null) is { } context)
            {
                context.Erasures = Volatile.Read(ref _erasures);
                return context;
            }
        }

        return new SendContext(_crypto) { Erasures = Volatile.Read(ref _erasures) };
    }

    /// <summary>Wipes the keys that the ciphers keep: of the free ones at once, of the lent ones when they come back.</summary>
    public void ForgetKeys()
    {
        Interlocked.Increment(ref _erasures);
        for (var i = 0; i < _free.Length; i++)
        {
            if (Interlocked.Exchange(ref _free[i], null) is { } context)
            {
                Return(context);
            }
        }
    }

    public void Return(SendContext context)
    {
        if (context.Erasures != Volatile.Read(ref _erasures))
        {
            context.Aead.ForgetKeys();
        }

        var first = Thread.GetCurrentProcessorId();
        for (var i = 0; i < _free.Length && !Volatile.Read(ref _disposed); i++)
        {
            if (Interlocked.CompareExchange(ref _free[(first + i) & (_free.Length - 1)], context, null) is null)
            {
                // Disposal may have passed this place before.
                if (Volatile.Read(ref _disposed))
                {
                    DisposeFree();
                }

                return;
            }
        }

        context.Dispose();
    }

    public void Dispose()
    {
        Volatile.Write(ref _disposed, true);
        Interlocked.MemoryBarrier();
        DisposeFree();
    }

    private void DisposeFree()
    {
        for (var i = 0; i < _free.Length; i++)
        {
            Interlocked.Exchange(ref _free[i], null)?.Dispose();
        }
    }
}

/// <summary>What one sending thread needs.</summary>
internal sealed class SendContext(ICryptoProvider crypto) : IDisposable
{
    public PacketAead Aead { get; } = new(crypto);

    /// <summary>Gets the datagrams that are sealed and not sent yet.</summary>
    public SendBatch Batch { get; } = new();

    /// <summary>Gets the room for a packet of streams before it is sealed.</summary>
    public byte[] Plain => field ??= GC.AllocateUninitializedArray<byte>(SendBatch.Capacity, pinned: true);

    /// <summary>Gets which of the caller's datagrams each one in the batch is.</summary>
    public int[] Origins { get; } = new int[SendBatch.Capacity / (SpecLimits.DatagramOverhead + 1)];

    /// <summary>Gets or sets how many erasures there had been when it was lent.</summary>
    public int Erasures { get; set; }

    public void Dispose() => Aead.Dispose();
}
