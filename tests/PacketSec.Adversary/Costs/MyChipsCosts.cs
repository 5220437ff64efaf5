using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using PacketSec.Adversary.Parties;
using PacketSec.Adversary.Tools;
using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;
using PacketSec.Protocol.Schemes.MyChips.Tickets;
using PacketSec.Simulation;
using PacketSec.Simulation.Hosts;
using PacketSec.Simulation.Network;

namespace PacketSec.Adversary.Costs;

/// <summary>What a server pays for a first message of <c>mychips-1</c> that it does not answer, by cause. The messages are made by hand.</summary>
internal sealed class MyChipsCosts : IDisposable
{
    private const string Scheme = "mychips-1";
    private const string KnownSite = "alice@test";
    private const string RefusedSite = "carol@test";
    private const int KeySize = 32;

    private const string OtherServer = "meant for another server";
    private const string WeakEphemeral = "an ephemeral key of small order";
    private const string WeakStatic = "a static key of small order";
    private const string WrongStatic = "a wrong bit in the sealed static key";
    private const string WrongClaim = "a wrong bit in the sealed claim";
    private const string LongClaim = "a claim with something behind it";
    private const string OtherIdentity = "somebody else's identity";
    private const string OwnIdentity = "the server's own identity";
    private const string WrongName = "a wrong bit in the sealed name";
    private const string UnknownName = "a name that nobody has";
    private const string WrongKnown = "a wrong bit in the message behind the name";
    private const string OtherKey = "another's name";
    private const string WrongRenewal = "a wrong bit in the message";
    private const string NoChannel = "from a site that has no channel there";
    public const string RefusedName = "a name that is refused";

    private static readonly ICryptoProvider Crypto = CryptoProvider.Default;
    private static readonly NoiseProtocol WithTicket = NoiseProtocol.Parse("Noise_IK_25519_ChaChaPoly_BLAKE2b");
    private static readonly NoiseProtocol Name = NoiseProtocol.Parse("Noise_N_25519_ChaChaPoly_BLAKE2b");
    private static readonly NoiseProtocol Known = NoiseProtocol.Parse("Noise_KK_25519_ChaChaPoly_BLAKE2b");

    public static readonly IReadOnlyDictionary<string, TicketOutcome> Refusals = new Dictionary<string, TicketOutcome>
    {
        ["a ticket that is unknown"] = TicketOutcome.Unknown,
        ["a ticket that has expired"] = TicketOutcome.Expired,
        ["a ticket that is used"] = TicketOutcome.Used,
        ["a ticket that is bound to another"] = TicketOutcome.BoundToAnother,
        ["a ticket for another purpose"] = TicketOutcome.PurposeDiffers,
    };

    private readonly Persona _server = Persona.Of(8, "Bob");
    private readonly Persona _client = Persona.Of(8, "Alice");
    private readonly Persona _other = Persona.Of(8, "Carol");
    private readonly WatchedCrypto _watched = new(Crypto);
    private readonly DeterministicRandom _random = new(8);
    private readonly World _world = new(8);
    private readonly RecordingTap _tap = new();
    private readonly byte[] _transcript = Agreement.DirectTranscript(Crypto, Scheme);
    private readonly CountedSites _sites;
    private readonly SimulatedHost _host;
    private TicketOutcome _outcome;
    private int _asked;
    private int _callers;

    public MyChipsCosts()
    {
        _world.Network.AddTap(_tap);
        _sites = new(new() { [KnownSite] = _client.Face.PublicKey, [RefusedSite] = _other.Face.PublicKey });
        _host = new(_world, Scene.BobAt, "B", new()
        {
            Crypto = _watched,
            IdentitySeed = _server.Seed,
            DirectScheme = Scheme,
            Sites = _sites,
            Tickets = (_, _) =>
            {
                _asked++;
                return _outcome;
            },
            Application = _ =>
            {
                _asked++;
                return Verdict.Refuse;
            },
        });
    }

    /// <summary>Gets the causes for which a message with a ticket draws nothing.</summary>
    public static IReadOnlyList<string> TicketCauses { get; }
        = [OtherServer, WeakEphemeral, WeakStatic, WrongStatic, WrongClaim, LongClaim, OtherIdentity, OwnIdentity, .. Refusals.Keys];

    /// <summary>Gets the causes for which a message with a name draws nothing.</summary>
    public static IReadOnlyList<string> NameCauses { get; } = [OtherServer, WeakEphemeral, WrongName, UnknownName, WrongKnown, OtherKey, RefusedName];

    /// <summary>Gets the causes for which a message for a renewal draws nothing.</summary>
    public static IReadOnlyList<string> RenewalCauses { get; } = [OtherServer, WeakEphemeral, WrongRenewal, NoChannel];

    /// <summary>Makes a message that draws nothing for a cause, and measures what becomes of it.</summary>
    /// <param name="letter">What it begins with: a ticket, a name, or a known site's renewal.</param>
    /// <param name="cause">The cause.</param>
    public FailureCost Measure(char letter, string cause)
    {
        // Everybody calls from an address of his own, so that nobody's rate is used up.
        var from = Addresses.Host(0x8000 + (++_callers * 0x100));
        var message = letter == 'I' ? MakeTicketMessage(cause) : letter == 'N' ? MakeNameMessage(cause) : MakeRenewal(cause);
        _outcome = Refusals.GetValueOrDefault(cause);
        var (asked, sent, lookUps) = (_asked, _tap.Datagrams.Count, _sites.LookUps);
        _watched.Counts.Clear();
        var before = GC.GetAllocatedBytesForCurrentThread();
        _host.OnDatagram(_world.Now, new(Scene.BobAt, from), message);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        var operations = _watched.Counts.ToString();
        lookUps = _sites.LookUps - lookUps;
        _world.RunFor(TimeSpan.FromSeconds(0.1));
        return new(cause, operations, allocated, _asked - asked, _tap.Datagrams.Count - sent) { LookUps = lookUps };
    }

    public void Dispose() => _host.Dispose();

    private byte[] MakeTicketMessage(string cause)
    {
        var self = cause == OwnIdentity ? _server : _client;
        var identity = cause == OtherIdentity ? _other.Face : self.Face;
        byte[] claim = [.. _random.NextBytes(KeySize), .. identity.Ed25519, 0, 0, .. cause == LongClaim ? new byte[1] : []];
        using var weak = cause == WeakStatic ? new PretendedKey(self.AgreementBytes, new byte[KeySize]) : null;
        var message = Write(WithTicket, weak ?? self.AgreementKey, cause == OtherServer ? _other.Face : _server.Face, _transcript, claim);
        Weaken(message, cause);
        message[KeySize] ^= (byte)(cause == WrongStatic ? 1 : 0);
        message[^1] ^= (byte)(cause == WrongClaim ? 1 : 0);
        return [(byte)'I', .. message];
    }

    private byte[] MakeNameMessage(string cause)
    {
        var self = cause == RefusedName ? _other : _client;
        var site = cause switch
        {
            UnknownName => "nobody@test",
            OtherKey or RefusedName => RefusedSite,
            _ => KnownSite,
        };
        var callee = cause == OtherServer ? _other.Face : _server.Face;
        var name = Write(Name, null, callee, _transcript, Encoding.UTF8.GetBytes(site));
        name[^1] ^= (byte)(cause == WrongName ? 1 : 0);
        Weaken(name, cause);
        byte[] front = [(byte)'N', (byte)name.Length, .. name];
        var hash = new byte[32];
        Crypto.Hash(HashAlgorithm.Sha256, front, [], hash);
        var message = Write(Known, self.AgreementKey, callee, [.. _transcript, .. hash], []);
        message[^1] ^= (byte)(cause == WrongKnown ? 1 : 0);
        return [.. front, (byte)'K', .. message];
    }

    private byte[] MakeRenewal(string cause)
    {
        var message = Write(Known, _client.AgreementKey, cause == OtherServer ? _other.Face : _server.Face, _transcript, []);
        Weaken(message, cause);
        message[^1] ^= (byte)(cause == WrongRenewal ? 1 : 0);
        return [(byte)'K', .. message];
    }

    private static void Weaken(Span<byte> message, string cause)
    {
        if (cause == WeakEphemeral)
        {
            message[..KeySize].Clear();
        }
    }

    private byte[] Write(NoiseProtocol protocol, X25519PrivateKey? self, Face callee, byte[] prologue, byte[] payload)
    {
        using var state = new HandshakeState(Crypto, new SeededRandomSource(_random.NextUInt64()), new()
        {
            Protocol = protocol,
            Initiator = true,
            Prologue = prologue,
            LocalStatic = self,
            RemoteStatic = callee.X25519,
        });
        var message = new byte[state.MessageOverhead + payload.Length];
        state.WriteMessage(payload, message);
        return message;
    }

    /// <summary>Sites that count how often one is looked for.</summary>
    private sealed class CountedSites(Dictionary<string, PublicKey> sites) : IReadOnlyDictionary<string, PublicKey>
    {
        public int LookUps { get; private set; }

        public IEnumerable<string> Keys => sites.Keys;

        public IEnumerable<PublicKey> Values => sites.Values;

        public int Count => sites.Count;

        public PublicKey this[string key] => TryGetValue(key, out var found) ? found : throw new KeyNotFoundException(key);

        public bool ContainsKey(string key) => TryGetValue(key, out _);

        public bool TryGetValue(string key, [MaybeNullWhen(false)] out PublicKey value)
        {
            LookUps++;
            return sites.TryGetValue(key, out value);
        }

        public IEnumerator<KeyValuePair<string, PublicKey>> GetEnumerator() => sites.GetEnumerator();

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
