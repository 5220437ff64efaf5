using PacketSec.Adversary.Contestants;
using PacketSec.Adversary.Parties;
using PacketSec.Adversary.Tools;
using PacketSec.Crypto;
using PacketSec.Noise;
using PacketSec.Protocol;
using PacketSec.Protocol.Negotiation;
using PacketSec.Simulation;

namespace PacketSec.Adversary.Costs;

/// <summary>
/// What a server pays for a finish of <c>secret-handshake-1</c> that fails, by cause. The finishes are made by hand, with a valid cookie each: what fails before
/// has seen nothing that depends on a key.
/// </summary>
internal sealed class SecretHandshakeCosts : IDisposable
{
    private const string Scheme = "secret-handshake-1";
    private const int IdentitySize = 64;
    private const int KeySize = 32;

    private static readonly ICryptoProvider Crypto = CryptoProvider.Default;

    private static readonly NoiseProtocol Noise = NoiseProtocol.Create(
        HandshakePattern.Parse("XKH", "<- s ... -> e <- e -> ee, es, s, se"), AeadAlgorithm.ChaCha20Poly1305, HashAlgorithm.Blake2s);

    // y = 2 is no point of the curve, 2^255 - 18 is 1 written with p added, and y = 1 is the neutral element.
    private static readonly byte[] NoPoint = [2, .. new byte[31]];
    private static readonly byte[] NotCanonical = [0xEE, .. Enumerable.Repeat((byte)0xFF, 30), 0x7F];
    private static readonly byte[] SmallOrder = [1, .. new byte[31]];

    private readonly Persona _server = Persona.Of(7, "Bob");
    private readonly Persona _client = Persona.Of(7, "Alice");
    private readonly Persona _other = Persona.Of(7, "Carol");
    private readonly WatchedCrypto _watched = new(Crypto);
    private readonly DeterministicRandom _random = new(7);
    private readonly Scene _scene = new(MeasuredSchemes.All.Single(scheme => scheme.Scheme == Scheme && scheme.Mode == SchemeContestant.Direct), 7);
    private readonly MachineParty _party;
    private int _callers;

    public SecretHandshakeCosts()
        => _party = (MachineParty)_scene.Join("B", _server, Scene.BobAt, key => _client.Face.Is(key) ? Answer.Yes : Answer.No, _watched);

    /// <summary>Gets the causes for which a finish fails.</summary>
    public static IReadOnlyList<string> Causes { get; } =
    [
        "meant for another server", "a wrong bit in the sealed static key", "a wrong bit in the sealed identity", "a static key of small order",
        "an identity with something behind it", "somebody else's identity", "an identity that is no point", "an identity that is not canonical",
        "an identity of small order", "the server's own identity", "an identity that the access list refuses",
    ];

    /// <summary>Makes a finish that fails for a cause, and measures what becomes of it.</summary>
    public FailureCost Measure(string cause)
    {
        // Everybody calls from an address of his own, so that nobody's rate is used up.
        var from = Simulation.Network.Addresses.Host(0x8000 + (++_callers * 0x100));
        var self = cause == "the server's own identity" ? _server : cause == "an identity that the access list refuses" ? _other : _client;
        var finish = Make(cause, self, from);
        var asked = _party.Count(PartyEventKind.Asked);
        var sent = _scene.Recording.Count;
        _watched.Counts.Clear();
        var before = GC.GetAllocatedBytesForCurrentThread();
        _party.Host.OnDatagram(_scene.World.Now, new(Scene.BobAt, from), finish);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        var operations = _watched.Counts.ToString();
        _scene.Run(0.1);
        return new(cause, operations, allocated, _party.Count(PartyEventKind.Asked) - asked, _scene.Recording.Count - sent);
    }

    public void Dispose() => _scene.Dispose();

    private byte[] Make(string cause, Persona self, NetworkAddress from)
    {
        var transcript = Agreement.DirectTranscript(Crypto, Scheme);
        var callee = cause == "meant for another server" ? _other.Face : _server.Face;
        using var ephemeral = Crypto.ImportX25519PrivateKey(_random.NextBytes(KeySize));
        using var staticKey = cause == "a static key of small order" ? new PretendedKey(self.AgreementBytes, new byte[KeySize]) : Crypto.ImportX25519PrivateKey(self.AgreementBytes);
        using var state = new HandshakeState(Crypto, new SeededRandomSource(7), new()
        {
            Protocol = Noise,
            Initiator = true,
            Prologue = (byte[])[.. transcript, .. new byte[KeySize], .. callee.Ed25519],
            LocalStatic = staticKey,
            LocalEphemeral = ephemeral,
            RemoteStatic = callee.X25519,
        });
        var first = new byte[KeySize + 8];
        state.WriteMessage(transcript.AsSpan(0, 8), first);
        var sent = _scene.Recording.Count;
        _party.Host.OnDatagram(_scene.World.Now, new(Scene.BobAt, from), [0, 0, 0, 8, .. first, .. new byte[36]]);
        var answer = _scene.Recording[sent].Bytes;
        state.TryReadMessage(answer.AsSpan(12, KeySize), [], out _);
        var message = new byte[state.MessageOverhead + IdentitySize];
        state.TryWriteMessage(Identity(cause, self), message, out _);
        message[0] ^= (byte)(cause == "a wrong bit in the sealed static key" ? 1 : 0);
        message[^1] ^= (byte)(cause == "a wrong bit in the sealed identity" ? 1 : 0);
        return [0, 0, 0, 10, .. answer.AsSpan(44, 36), .. ephemeral.PublicKey, .. message];
    }

    private byte[] Identity(string cause, Persona self) => cause switch
    {
        "an identity with something behind it" => [.. self.Face.Ed25519, 1, .. new byte[31]],
        "somebody else's identity" => [.. _other.Face.Ed25519, .. new byte[KeySize]],
        "an identity that is no point" => [.. NoPoint, .. new byte[KeySize]],
        "an identity that is not canonical" => [.. NotCanonical, .. new byte[KeySize]],
        "an identity of small order" => [.. SmallOrder, .. new byte[KeySize]],
        _ => [.. self.Face.Ed25519, .. new byte[KeySize]],
    };
}

/// <summary>What one failure cost the server.</summary>
/// <param name="Cause">Why it failed.</param>
/// <param name="Operations">What was computed, by kind.</param>
/// <param name="Allocated">The bytes that were allocated.</param>
/// <param name="Asked">How often the access list was asked.</param>
/// <param name="Sent">How many datagrams went out.</param>
internal sealed record FailureCost(string Cause, string Operations, long Allocated, int Asked, int Sent)
{
    /// <summary>Gets how often a site was looked for.</summary>
    public int LookUps { get; init; }
}
