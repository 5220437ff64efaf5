using System.Buffers.Binary;
using System.Security.Cryptography;
using PacketSec.Crypto;
using PacketSec.Protocol.Wire.SecretHandshake;
using HashAlgorithm = PacketSec.Crypto.HashAlgorithm;

namespace PacketSec.Protocol.Schemes.SecretHandshake;

/// <summary>
/// The responder's memory of those it answered, which is none: an ephemeral key and a cookie that keys of the minute make, and make again when the
/// cookie comes back. Two pairs of keys live at once; with a pair goes the record of the cookies that were asked about, and of those that led to
/// sessions.
/// </summary>
internal sealed class MinuteKeys(ICryptoProvider crypto, IRandomSource random) : IDisposable
{
    /// <summary>The size of the private keys made here.</summary>
    public const int SeedSize = 32;

    /// <summary>How long a pair answers, and how long it then still is there for cookies to come back.</summary>
    //= spec/secret-handshake.md#minute-keys
    public static readonly TimeSpan KeyLife = TimeSpan.FromSeconds(60);

    /// <summary>How old a cookie may be.</summary>
    //= spec/secret-handshake.md#cookie
    public static readonly TimeSpan CookieLife = TimeSpan.FromSeconds(20);

    private const int TimeSize = 4;
    private const int NonceSize = 16;
    private const int HeadSize = TimeSize + NonceSize;
    private const int MacSize = Message2.CookieSize - HeadSize;

    private Minute? _current;
    private Minute? _previous;
    private long _made;

    /// <summary>Gets when keys are to be put aside or wiped; null while there are none.</summary>
    public Instant? NextDeadline => _previous is not null ? _previous.Since + KeyLife + KeyLife : _current is not null ? _current.Since + KeyLife : null;

    private static ReadOnlySpan<byte> SeedLabel => "secret-handshake-1 e_R"u8;

    /// <summary>Makes an answer: a new cookie, and the ephemeral private key that belongs to it.</summary>
    /// <param name="now">The time.</param>
    /// <param name="caller">Who is answered.</param>
    /// <param name="cookie">36 bytes.</param>
    /// <param name="seed">32 bytes, which the caller wipes.</param>
    public void Answer(Instant now, in Caller caller, Span<byte> cookie, Span<byte> seed)
    {
        Rotate(now);
        _current ??= new Minute(++_made, now, random);
        BinaryPrimitives.WriteUInt32BigEndian(cookie, _current.TimeOf(now));
        random.Fill(cookie.Slice(TimeSize, NonceSize));
        Span<byte> bound = stackalloc byte[Caller.Size];
        caller.WriteTo(bound);
        ComputeMac(_current, cookie[..HeadSize], bound, cookie[HeadSize..]);
        Derive(_current, cookie.Slice(TimeSize, NonceSize), bound, seed);
    }

    /// <summary>Whether a cookie was made here, for this caller and lately; if so, makes the ephemeral private key again.</summary>
    /// <param name="now">The time.</param>
    /// <param name="caller">Who brings it back.</param>
    /// <param name="cookie">36 bytes.</param>
    /// <param name="seed">32 bytes, which the caller wipes.</param>
    /// <param name="ticket">Which cookie it is.</param>
    public bool TryCheck(Instant now, in Caller caller, ReadOnlySpan<byte> cookie, Span<byte> seed, out StatelessTicket ticket)
    {
        Rotate(now);
        Span<byte> bound = stackalloc byte[Caller.Size];
        caller.WriteTo(bound);
        ticket = default;
        foreach (var minute in (ReadOnlySpan<Minute?>)[_current, _previous])
        {
            if (minute is null || !IsBy(minute, cookie, bound))
            {
                continue;
            }

            var age = TimeSpan.FromMilliseconds(unchecked(minute.TimeOf(now) - BinaryPrimitives.ReadUInt32BigEndian(cookie)));
            if (age > CookieLife)
            {
                return false;
            }

            var nonce = cookie.Slice(TimeSize, NonceSize);
            Derive(minute, nonce, bound, seed);
            ticket = new(minute.Id, BinaryPrimitives.ReadUInt128BigEndian(nonce), now + -age);
            return true;
        }

        return false;
    }

    /// <summary>Whether a cookie led to a session, or to a question, already.</summary>
    public bool IsKnown(in StatelessTicket ticket) => Find(ticket.Era)?.Knows(ticket.Nonce) ?? false;

    /// <summary>Records that the application is asked about a cookie's caller.</summary>
    public DropReason TryReserve(Instant now, in StatelessTicket ticket)
    {
        Rotate(now);
        return Find(ticket.Era) is { } minute && minute.TryReserve(ticket.Nonce) ? DropReason.None : DropReason.NoHandshake;
    }

    /// <summary>Records that a cookie leads to a session. To be called before a key of that session is used on the wire.</summary>
    /// <returns>Why there is no session: the cookie led to one already, its keys are wiped, or the record is full.</returns>
    //= spec/secret-handshake.md#accepted-once
    //= spec/secret-handshake.md#accepted-bound
    public DropReason TryAccept(Instant now, in StatelessTicket ticket)
    {
        Rotate(now);
        return Find(ticket.Era) is not { } minute ? DropReason.NoHandshake : minute.TryAccept(ticket.Nonce);
    }

    /// <summary>Puts keys aside, and wipes those before, when their time is over. The next answer makes new ones.</summary>
    //= spec/secret-handshake.md#minute-keys
    public void Rotate(Instant now)
    {
        if (_current is not null && now >= _current.Since + KeyLife)
        {
            _previous?.Dispose();
            (_previous, _current) = (_current, null);
        }

        if (_previous is not null && now >= _previous.Since + KeyLife + KeyLife)
        {
            _previous.Dispose();
            _previous = null;
        }
    }

    /// <summary>Adds what a datagram could change, and matters: not the keys, which the first answer of a minute makes.</summary>
    public void AddTo(StateDigestBuilder digest)
    {
        foreach (var minute in (ReadOnlySpan<Minute?>)[_current, _previous])
        {
            AddTo(digest, minute?.Accepted);
            AddTo(digest, minute?.Asked);
        }
    }

    public void Dispose()
    {
        _current?.Dispose();
        _previous?.Dispose();
        (_current, _previous) = (null, null);
    }

    private static void AddTo(StateDigestBuilder digest, HashSet<UInt128>? nonces)
    {
        UInt128 all = 0;
        foreach (var nonce in nonces ?? [])
        {
            all ^= nonce;
        }

        digest.Add(nonces?.Count ?? 0);
        digest.Add(unchecked((long)(ulong)all));
        digest.Add(unchecked((long)(ulong)(all >> 64)));
    }

    private Minute? Find(long id) => _current?.Id == id ? _current : _previous?.Id == id ? _previous : null;

    private bool IsBy(Minute minute, ReadOnlySpan<byte> cookie, ReadOnlySpan<byte> bound)
    {
        Span<byte> mac = stackalloc byte[MacSize];
        ComputeMac(minute, cookie[..HeadSize], bound, mac);
        return CryptographicOperations.FixedTimeEquals(mac, cookie[HeadSize..]);
    }

    private void ComputeMac(Minute minute, ReadOnlySpan<byte> head, ReadOnlySpan<byte> bound, Span<byte> mac)
    {
        Span<byte> full = stackalloc byte[32];
        crypto.Hmac(HashAlgorithm.Sha256, minute.MacKey.Span, head, bound, full);
        full[..MacSize].CopyTo(mac);
    }

    //= spec/secret-handshake.md#e-r
    private void Derive(Minute minute, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> bound, Span<byte> seed)
    {
        Span<byte> info = stackalloc byte[SeedLabel.Length + NonceSize + Caller.Size];
        SeedLabel.CopyTo(info);
        nonce.CopyTo(info[SeedLabel.Length..]);
        bound.CopyTo(info[(SeedLabel.Length + NonceSize)..]);
        crypto.Hkdf(HashAlgorithm.Sha256, minute.EphemeralKey.Span, default, info, seed);
    }

    /// <summary>The keys of one minute, and what was accepted under them: they live and die together.</summary>
    private sealed class Minute : IDisposable
    {
        private readonly uint _timeOffset;
        private readonly Queue<UInt128> _askedInOrder = new();

        public Minute(long id, Instant since, IRandomSource random)
        {
            Id = id;
            Since = since;
            Span<byte> bytes = stackalloc byte[SeedSize + SeedSize + TimeSize];
            random.Fill(bytes);
            EphemeralKey = new SecretKey(bytes[..SeedSize]);
            MacKey = new SecretKey(bytes.Slice(SeedSize, SeedSize));
            _timeOffset = BinaryPrimitives.ReadUInt32BigEndian(bytes[(SeedSize + SeedSize)..]);
            CryptographicOperations.ZeroMemory(bytes);
        }

        public long Id { get; }

        public Instant Since { get; }

        public SecretKey EphemeralKey { get; }

        public SecretKey MacKey { get; }

        public HashSet<UInt128> Accepted { get; } = [];

        public HashSet<UInt128> Asked { get; } = [];

        /// <summary>Milliseconds from a random beginning: the machine's clock would tell which endpoints run on it.</summary>
        public uint TimeOf(Instant now) => unchecked(_timeOffset + (uint)((now.Nanoseconds - Since.Nanoseconds) / 1_000_000));

        public bool Knows(UInt128 nonce) => Accepted.Contains(nonce) || Asked.Contains(nonce);

        // What is forgotten here may be asked about again; it is only the other record that nothing may be forgotten of.
        public bool TryReserve(UInt128 nonce)
        {
            if (Accepted.Contains(nonce) || !Asked.Add(nonce))
            {
                return false;
            }

            _askedInOrder.Enqueue(nonce);
            if (_askedInOrder.Count > ImplementationLimits.AskedPerMinute)
            {
                Asked.Remove(_askedInOrder.Dequeue());
            }

            return true;
        }

        public DropReason TryAccept(UInt128 nonce) => Accepted.Contains(nonce) ? DropReason.NoHandshake
            : Accepted.Count >= ImplementationLimits.AcceptedPerMinute || !Accepted.Add(nonce) ? DropReason.HandshakesFull : DropReason.None;

        public void Dispose()
        {
            EphemeralKey.Dispose();
            MacKey.Dispose();
        }
    }
}
