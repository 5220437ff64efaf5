using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using PacketSec.Crypto;
using PacketSec.Protocol.Wire;

namespace PacketSec.Protocol.Negotiation;

/// <summary>
/// Makes and checks the cookies of retries: a proof that an address receives what is sent to it, which costs the endpoint no memory. Two
/// generations of keys live at once; older ones are wiped.
/// </summary>
internal sealed class RetryCookies(ICryptoProvider crypto, IRandomSource random) : IDisposable
{
    /// <summary>The bytes of a cookie: the time and the MAC.</summary>
    public const int Size = TimeSize + MacSize;

    // No two bits of a character belong to both the name and the cookie: 9 bytes are 12 characters.
    private const int NameSize = 9;
    private const int TimeSize = 4;
    private const int MacSize = 16;
    private const int KeySize = 32;

    //= spec/psec.md#cookie-life
    private static readonly TimeSpan Life = TimeSpan.FromSeconds(10);

    //= spec/psec.md#cookie-keys
    private static readonly TimeSpan KeyLife = TimeSpan.FromSeconds(15);

    private SecretKey? _current;
    private SecretKey? _previous;
    private Instant _currentSince;
    private Instant _previousSince;

    /// <summary>Gets when a key is to be put aside or wiped, the older one first; null while there is none.</summary>
    public Instant? NextDeadline
        => _previous is not null ? _previousSince + KeyLife + KeyLife : _current is not null ? _currentSince + KeyLife : null;

    /// <summary>Returns the frame that asks for a proposal with a cookie.</summary>
    public byte[] MakeRetry(Instant now, in NetworkAddress remote, ReadOnlySpan<byte> digest)
    {
        Rotate(now);
        _current ??= NewKey(now);
        Span<byte> cookie = stackalloc byte[Size];
        BinaryPrimitives.WriteUInt32BigEndian(cookie, Milliseconds(now));
        ComputeMac(_current, remote, cookie[..TimeSize], digest, cookie[TimeSize..]);
        var frame = new AcceptFrame([.. PsecFrame.ToBytes(PsecFrame.RetryPrefix), .. NameOf(digest), .. PsecFrame.ToBytes(Base64Url.EncodeToString(cookie))]);
        var bytes = new byte[frame.EncodedLength];
        WireMessage.Write(frame, bytes);
        return bytes;
    }

    /// <summary>Returns the text by which a retry names its proposal.</summary>
    //= spec/psec.md#retry-names
    public static byte[] NameOf(ReadOnlySpan<byte> digest) => Base64Url.EncodeToUtf8(digest[..NameSize]);

    /// <summary>Whether the text after a retry's prefix was made here for this address and proposal, and lately.</summary>
    //= spec/psec.md#cookie-life
    public bool IsValid(Instant now, in NetworkAddress remote, ReadOnlySpan<byte> digest, ReadOnlySpan<byte> text)
    {
        Rotate(now);
        Span<byte> cookie = stackalloc byte[Size];
        var name = NameOf(digest);
        if (text.Length != name.Length + Base64Url.GetEncodedLength(Size) || !text.StartsWith(name))
        {
            return false;
        }

        text = text[name.Length..];
        if (!Base64Url.IsValid(text, out var length) || length != Size)
        {
            return false;
        }

        Base64Url.DecodeFromUtf8(text, cookie);
        var age = unchecked(Milliseconds(now) - BinaryPrimitives.ReadUInt32BigEndian(cookie));
        return age <= (uint)Life.TotalMilliseconds && (IsBy(_current, remote, digest, cookie) | IsBy(_previous, remote, digest, cookie));
    }

    /// <summary>Puts the key aside, and wipes the one before, when their time is over. The next retry makes a new one.</summary>
    public void Rotate(Instant now)
    {
        if (_current is not null && now >= _currentSince + KeyLife)
        {
            _previous?.Dispose();
            (_previous, _previousSince, _current) = (_current, _currentSince, null);
        }

        if (_previous is not null && now >= _previousSince + KeyLife + KeyLife)
        {
            _previous.Dispose();
            _previous = null;
        }
    }

    public void Dispose()
    {
        _current?.Dispose();
        _previous?.Dispose();
        (_current, _previous) = (null, null);
    }

    private static uint Milliseconds(Instant now) => unchecked((uint)(now.Nanoseconds / 1_000_000));

    private SecretKey NewKey(Instant now)
    {
        Span<byte> bytes = stackalloc byte[KeySize];
        random.Fill(bytes);
        var key = new SecretKey(bytes);
        CryptographicOperations.ZeroMemory(bytes);
        _currentSince = now;
        return key;
    }

    private bool IsBy(SecretKey? key, in NetworkAddress remote, ReadOnlySpan<byte> digest, ReadOnlySpan<byte> cookie)
    {
        if (key is null)
        {
            return false;
        }

        Span<byte> mac = stackalloc byte[MacSize];
        ComputeMac(key, remote, cookie[..TimeSize], digest, mac);
        return CryptographicOperations.FixedTimeEquals(mac, cookie[TimeSize..]);
    }

    private void ComputeMac(SecretKey key, in NetworkAddress remote, ReadOnlySpan<byte> time, ReadOnlySpan<byte> digest, Span<byte> mac)
    {
        Span<byte> address = stackalloc byte[16 + sizeof(ushort) + TimeSize];
        BinaryPrimitives.WriteUInt128BigEndian(address, remote.Address);
        BinaryPrimitives.WriteUInt16BigEndian(address[16..], remote.Port);
        time.CopyTo(address[18..]);
        Span<byte> full = stackalloc byte[32];
        crypto.Hmac(Crypto.HashAlgorithm.Sha256, key.Span, address, digest, full);
        full[..MacSize].CopyTo(mac);
    }
}
