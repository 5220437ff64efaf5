using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace PacketSec.Cli.Transfer;

/// <summary>A file that is gone through from its begin, and the hash of what was gone through. One call at a time.</summary>
internal sealed class HashingFile(SafeFileHandle file) : IDisposable
{
    /// <summary>The bytes that are read, written and hashed together.</summary>
    public const int Piece = 256 * 1024;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>Gets how far it has come.</summary>
    public long Position { get; private set; }

    /// <summary>Returns the hash of all bytes before <see cref="Position"/>.</summary>
    public byte[] Hash() => _hash.GetCurrentHash();

    /// <summary>Goes through bytes that are in the file.</summary>
    /// <returns>False when the file ends before.</returns>
    public bool Skip(long until, CancellationToken cancellationToken)
    {
        var buffer = new byte[Piece];
        while (Position < until)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (Read(buffer.AsSpan(0, (int)Math.Min(buffer.Length, until - Position))) == 0)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Reads the next bytes; 0 at the file's end.</summary>
    public int Read(Span<byte> buffer)
    {
        var count = RandomAccess.Read(file, buffer, Position);
        Advance(buffer[..count]);
        return count;
    }

    /// <summary>Writes the next bytes.</summary>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        RandomAccess.Write(file, bytes, Position);
        Advance(bytes);
    }

    /// <summary>Begins anew.</summary>
    public void Restart()
    {
        _hash.GetHashAndReset();
        Position = 0;
    }

    /// <summary>Begins anew with an empty file.</summary>
    public void Truncate()
    {
        Restart();
        RandomAccess.SetLength(file, 0);
    }

    /// <summary>Has what was written on the disk before it returns.</summary>
    public void Flush() => RandomAccess.FlushToDisk(file);

    public void Dispose()
    {
        _hash.Dispose();
        file.Dispose();
    }

    private void Advance(ReadOnlySpan<byte> bytes)
    {
        _hash.AppendData(bytes);
        Position += bytes.Length;
    }
}
