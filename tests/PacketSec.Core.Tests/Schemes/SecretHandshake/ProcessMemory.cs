using System.Globalization;
using System.Runtime.InteropServices;
using PacketSec.Crypto;

namespace PacketSec.Core.Tests.Schemes.SecretHandshake;

/// <summary>Looks for secrets in all memory of this process, native memory included. What it looks for it holds in another form.</summary>
internal static class ProcessMemory
{
    private const byte Mask = 0xA5;
    private const int Overlap = 64;

    private static readonly byte[] Buffer = GC.AllocateUninitializedArray<byte>(1 << 20, pinned: true);

    /// <summary>Counts the places where a secret stands.</summary>
    public static int Count(MaskedSecret secret)
    {
        lock (Buffer)
        {
            var own = Marshal.UnsafeAddrOfPinnedArrayElement(Buffer, 0);
            using var memory = File.OpenHandle("/proc/self/mem");
            var count = 0;
            foreach (var (from, to) in Writable())
            {
                for (var at = from; at < to; at += Buffer.Length - Overlap)
                {
                    // Its own copies are not what it looks for.
                    if (at < own + Buffer.Length && at + Buffer.Length > own)
                    {
                        count += CountIn(memory, secret, at, Math.Min(to, own));
                        count += CountIn(memory, secret, Math.Max(at, own + Buffer.Length), Math.Min(to, at + Buffer.Length));
                    }
                    else
                    {
                        count += CountIn(memory, secret, at, Math.Min(to, at + Buffer.Length));
                    }
                }
            }

            Array.Clear(Buffer);
            return count;
        }
    }

    private static int CountIn(Microsoft.Win32.SafeHandles.SafeFileHandle memory, MaskedSecret secret, long from, long to)
    {
        if (to - from < MaskedSecret.Size)
        {
            return 0;
        }

        int read;
        try
        {
            read = RandomAccess.Read(memory, Buffer.AsSpan(0, (int)(to - from)), from);
        }
        catch (IOException)
        {
            // The mapping went away since it was listed: nothing stands there.
            return 0;
        }

        // A secret at the seam of two reads is seen twice at most, and never missed.
        return secret.CountIn(Buffer.AsSpan(0, read));
    }

    private static List<(long From, long To)> Writable()
    {
        var regions = new List<(long, long)>();
        foreach (var line in File.ReadLines("/proc/self/maps"))
        {
            var parts = line.Split(' ', 3);
            if (parts[1].StartsWith("rw", StringComparison.Ordinal) && parts[0].Split('-') is [var from, var to])
            {
                regions.Add((long.Parse(from, NumberStyles.HexNumber, CultureInfo.InvariantCulture), long.Parse(to, NumberStyles.HexNumber, CultureInfo.InvariantCulture)));
            }
        }

        return regions;
    }

    /// <summary>32 bytes that stand nowhere as they are, until somebody is given them.</summary>
    internal sealed class MaskedSecret
    {
        public const int Size = 32;

        private readonly byte[] _masked = new byte[Size];

        /// <summary>Draws a secret that clamping leaves as it is.</summary>
        public static MaskedSecret New()
        {
            Span<byte> bytes = stackalloc byte[Size];
            System.Security.Cryptography.RandomNumberGenerator.Fill(bytes);
            (bytes[0], bytes[31]) = ((byte)(bytes[0] & 248), (byte)((bytes[31] & 127) | 64));
            return From(bytes);
        }

        /// <summary>Takes over a secret; the original is wiped.</summary>
        public static MaskedSecret From(Span<byte> bytes)
        {
            var secret = new MaskedSecret();
            for (var i = 0; i < Size; i++)
            {
                secret._masked[i] = (byte)(bytes[i] ^ Mask);
            }

            System.Security.Cryptography.CryptographicOperations.ZeroMemory(bytes);
            return secret;
        }

        public void Reveal(Span<byte> destination)
        {
            for (var i = 0; i < Size; i++)
            {
                destination[i] = (byte)(_masked[i] ^ Mask);
            }
        }

        public int CountIn(ReadOnlySpan<byte> bytes)
        {
            var count = 0;
            var first = (byte)(_masked[0] ^ Mask);
            for (var at = bytes.IndexOf(first); at >= 0 && at + Size <= bytes.Length;)
            {
                count += IsAt(bytes.Slice(at, Size)) ? 1 : 0;
                var next = bytes[(at + 1)..].IndexOf(first);
                at = next < 0 ? -1 : at + 1 + next;
            }

            return count;
        }

        private bool IsAt(ReadOnlySpan<byte> bytes)
        {
            for (var i = 0; i < Size; i++)
            {
                if ((bytes[i] ^ Mask) != _masked[i])
                {
                    return false;
                }
            }

            return true;
        }
    }

    /// <summary>Hands out secrets, and keeps none in clear.</summary>
    internal sealed class SecretSource(params MaskedSecret[] secrets) : IRandomSource
    {
        private readonly Queue<MaskedSecret> _secrets = new(secrets);

        public void Fill(Span<byte> destination)
        {
            System.Security.Cryptography.RandomNumberGenerator.Fill(destination);
            while (destination.Length >= MaskedSecret.Size && _secrets.TryDequeue(out var secret))
            {
                secret.Reveal(destination);
                destination = destination[MaskedSecret.Size..];
            }
        }
    }
}

/// <summary>A fact about a process's memory, which Linux shows as a file; skipped, visibly, elsewhere.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class ProcessMemoryFactAttribute : FactAttribute
{
    public ProcessMemoryFactAttribute()
    {
        if (!OperatingSystem.IsLinux())
        {
            Skip = "The memory of a process is a file on Linux only.";
        }
    }
}
