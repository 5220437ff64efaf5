using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using PacketSec.Cli.Inspect;
using PacketSec.Crypto;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes.MyChips;
using PacketSec.Protocol.Schemes.P2pke;
using PacketSec.Protocol.Wire;
using PacketSec.Protocol.Wire.P2pke;
using PacketSec.TestSupport;

namespace PacketSec.Tests.Cli;

/// <summary>
/// The capture of <c>interop/wireshark</c>, made from nothing but this code: each kind of datagram that nobody needs keys to name. Sealed bytes are filler.
/// </summary>
internal static class InspectSample
{
    public const string Folder = "interop/wireshark";

    private static readonly DateTimeOffset Start = new(2025, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly IPEndPoint A = IPEndPoint.Parse("192.0.2.1:4001");
    private static readonly IPEndPoint B = IPEndPoint.Parse("192.0.2.2:4001");
    private static readonly IPEndPoint C = IPEndPoint.Parse("[2001:db8::1]:4002");
    private static readonly IPEndPoint D = IPEndPoint.Parse("[2001:db8::2]:4002");
    private static readonly IPEndPoint E = IPEndPoint.Parse("192.0.2.3:4003");
    private static readonly IPEndPoint F = IPEndPoint.Parse("192.0.2.4:4003");
    private static readonly IPEndPoint G = IPEndPoint.Parse("192.0.2.5:4004");
    private static readonly IPEndPoint H = IPEndPoint.Parse("192.0.2.6:4004");
    private static readonly IPEndPoint I = IPEndPoint.Parse("192.0.2.7:4005");
    private static readonly IPEndPoint J = IPEndPoint.Parse("192.0.2.8:4005");
    private static readonly IPEndPoint K = IPEndPoint.Parse("192.0.2.9:4005");

    /// <summary>The peer ID of the identity whose seed is 32 times the number.</summary>
    public static PeerId PeerOf(byte number)
    {
        using var identity = IdentityKey.FromSeed(Fill(number, IdentityKey.SeedSize), CryptoProvider.Default);
        return identity.PeerId;
    }

    public static string PathOf(string name) => Path.Combine(TestData.RepositoryRoot, Folder, name);

    /// <summary>Bytes in place of sealed ones.</summary>
    public static byte[] Filler(string name, int length)
    {
        var bytes = new List<byte>();
        for (var i = 0; bytes.Count < length; i++)
        {
            bytes.AddRange(SHA256.HashData(Encoding.ASCII.GetBytes($"{name} {i}")));
        }

        return [.. bytes[..length]];
    }

    /// <summary>A sealed packet as nobody sealed it.</summary>
    public static byte[] Sealed(uint word, int payload) => [.. Convert.FromHexString($"{word:x8}"), .. Filler($"{word}", payload + 16)];

    /// <summary>A RespHello as nobody made it.</summary>
    public static byte[] RespHello => [0x80, 0, 0, 1, .. Filler("e_R", 32), .. Filler("RespHello", 156)];

    /// <summary>An InitDone as nobody made it.</summary>
    public static byte[] InitDone => [0, 0, 0, 2, .. Filler("InitDone", 130)];

    /// <summary>A packet of <c>mychips-1</c> as nobody made it.</summary>
    public static byte[] Lettered(char letter, int length) => [(byte)letter, .. Filler($"{letter}", length - 1)];

    /// <summary>The first message of a site with an ID of a length, as nobody made it.</summary>
    public static byte[] Site(int idLength)
    {
        var front = SitePacket.WriteFront(Filler("N", idLength + 48));
        return [.. front, .. Lettered('K', 49)];
    }

    /// <summary>A transport packet of <c>mychips-1</c> as nobody sealed it.</summary>
    public static byte[] Transport(uint word, int payload) => [(byte)'T', .. Sealed(word, payload)];

    /// <summary>An InitHello with a claim that holds.</summary>
    public static byte[] InitHello(byte number, ReadOnlySpan<byte> tag = default)
    {
        using var identity = IdentityKey.FromSeed(Fill(number, IdentityKey.SeedSize), CryptoProvider.Default);
        var timestamp = new byte[Tai64n.Size];
        Tai64n.FromDateTimeOffset(Start).WriteTo(timestamp);
        var signature = new byte[64];
        P2pkeSignature.Sign(CryptoProvider.Default, identity.SigningKey, P2pkeSignature.Timestamp, timestamp, signature);
        return InitHello(new InitHelloBody(timestamp, new AuthClaim(identity.PublicKey.PublicKeyInfo, signature), tag));
    }

    public static byte[] InitHello(in InitHelloBody body)
    {
        var payload = new byte[body.EncodedLength];
        WireMessage.Write(body, payload);
        return InitHello(payload);
    }

    public static byte[] InitHello(byte[] payload) => [0, 0, 0, 0, .. Filler("e_I", 32), .. payload];

    /// <summary>A proposal, and the tag of its standard transcript.</summary>
    public static (byte[] Frame, byte[] Tag) Proposal(ReadOnlySpan<byte> peerId, string scheme, params string[] others)
    {
        var frame = ProposalFrame.Encode(peerId, [scheme, .. others]);
        Assert.True(WireMessage.TryRead<ProposalFrame>(frame, out var read));
        return (frame, Agreement.Standard(CryptoProvider.Default, read.ToNormalForm(), scheme, null).Tag.ToArray());
    }

    /// <summary>Writes the capture.</summary>
    public static void WriteTo(string path)
    {
        using var writer = PcapWriter.Create(path);
        var time = Start;
        foreach (var (from, to, datagram) in Datagrams())
        {
            writer.Write(time, from, to, datagram);
            time += TimeSpan.FromMilliseconds(10);
        }
    }

    private static IEnumerable<(IPEndPoint From, IPEndPoint To, byte[] Datagram)> Datagrams() =>
    [
        .. Standard(), .. Hidden(), .. Direct(), .. Odd(), .. Tickets(), .. Sites(),
    ];

    private static (IPEndPoint From, IPEndPoint To, byte[] Datagram)[] Standard()
    {
        string[] strings = [P2pkeScheme.SchemeName, "psec-attempt-1:AAECAwQFBgcICQoLDA0ODw", PsecFrame.Retry];
        var (_, tag) = Proposal(PeerOf(1).Multihash, strings[0], strings[1..]);
        return
        [
            (A, B, ProposalFrame.Encode(PeerOf(1).Multihash, strings, InitHello(1, tag))),
            (B, A, Accept(P2pkeScheme.SchemeName)),
            (B, A, RespHello),
            (A, B, InitDone),
            (B, A, Sealed(0x80000010, 0)),
            (A, B, Sealed(0x00000010, 100)),
            (A, B, Sealed(0x00260024, 50)), // begins as a proposal
            (A, B, Sealed(0x7fffffff, 0)),
            (B, A, Sealed(0xffffffff, 0)),
        ];
    }

    private static (IPEndPoint From, IPEndPoint To, byte[] Datagram)[] Hidden()
    {
        byte[] hidden = [0x12, 32, .. Filler("hidden", 32)];
        string[] strings = ["secret-handshake-1", "example-1", "psec-attempt-1:EBESExQVFhcYGRobHB0eHw", PsecFrame.Retry];
        var proposal = ProposalFrame.Encode(hidden, strings, Filler("first", 64));
        var cookie = PsecFrame.RetryPrefix + Base64Url.EncodeToString([.. NameOf(proposal), .. Enumerable.Range(0, 20).Select(value => (byte)value)]);
        return
        [
            (C, D, proposal),
            (D, C, Accept(cookie)),
            (C, D, ProposalFrame.Encode(hidden, [.. strings, cookie])),
            (D, C, Accept(strings[1])),
            (C, D, Sealed(0x00000000, 48)),
            (D, C, Sealed(0x80000001, 80)),
            (C, D, Sealed(0x00000010, 1)),
            (D, C, [0xff]),
        ];
    }

    private static byte[] NameOf(byte[] proposal)
        => WireMessage.TryRead<ProposalFrame>(proposal, out var frame) ? SHA256.HashData(frame.ToNormalForm())[..9] : throw new ArgumentException("no proposal");

    private static (IPEndPoint From, IPEndPoint To, byte[] Datagram)[] Direct() =>
    [
        (E, F, InitHello(3)),
        (F, E, RespHello),
        (E, F, InitDone),
        (F, E, Sealed(0x80000003, 10)),
        (F, E, Sealed(0x80000000, 10)),
        (E, F, [0, 0, 0, 16, 1, 2, 3]),
        (E, F, InitHello(3)[..35]),
        (E, F, InitHello([0x12, 11, .. new byte[11]])),
    ];

    private static (IPEndPoint From, IPEndPoint To, byte[] Datagram)[] Odd()
    {
        var proposal = Proposal(PeerOf(4).Multihash, P2pkeScheme.SchemeName).Frame;
        return
        [
            (G, H, proposal[..^1]), // no session was seen: a frame with a fault, or data
            (H, G, [1, 0]),
            (G, H, [1, 2]),
            (H, G, [0xff, 0]),
            (G, H, []),
            (H, G, Sealed(0x80011170, 33)),
            (G, H, proposal[..^1]), // a session was seen
            (H, G, Accept("psec-retry-1:AAECAwQFBgcICQoLDA0ODxAREhM")), // nobody proposed
        ];
    }

    private static (IPEndPoint From, IPEndPoint To, byte[] Datagram)[] Tickets() =>
    [
        (I, J, Lettered('I', 200)),
        (J, I, Lettered('A', 49)),
        (I, J, Transport(0x0000000c, 100)),
        (J, I, Transport(0x80000010, 0)),
        (I, J, Transport(0x00000010, 100)),
        (J, I, Lettered('K', 49)), // a rekey
        (I, J, Lettered('A', 49)),
        (J, I, Transport(0x0000000c, 0)),
        (I, J, Transport(0xffffffff, 0)),
        (I, J, Transport(0x80000003, 0)),
        (J, I, Lettered('A', 50)),
        (I, J, Lettered('N', 100)),
    ];

    private static (IPEndPoint From, IPEndPoint To, byte[] Datagram)[] Sites() =>
    [
        (K, J, Lettered('I', 162)), // nothing was seen: a message with a fault, or data
        (K, J, Lettered('T', 19)),
        (K, J, ProposalFrame.Encode([0x12, 32, .. Filler("site", 32)], ["mychips-1", "psec-attempt-1:ICEiIyQlJicoKSorLC0uLw"], Site(20))),
        (J, K, Accept("mychips-1")),
        (K, J, Site(255)),
        (K, J, Sealed(0x00000000, 40)), // without a letter it is of another scheme
    ];

    private static byte[] Accept(string text)
    {
        var frame = new AcceptFrame(Encoding.UTF8.GetBytes(text));
        var bytes = new byte[frame.EncodedLength];
        WireMessage.Write(frame, bytes);
        return bytes;
    }

    private static byte[] Fill(byte value, int length)
    {
        var bytes = new byte[length];
        bytes.AsSpan().Fill(value);
        return bytes;
    }
}
