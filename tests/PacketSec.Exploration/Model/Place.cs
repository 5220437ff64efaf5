using System.Buffers.Binary;
using PacketSec.Crypto;
using PacketSec.Protocol;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;

namespace PacketSec.Exploration.Model;

/// <summary>What does not change on one side during an exploration. Belongs to one thread, as its randomness has a state.</summary>
internal sealed class Place
{
    /// <summary>The interval after which everything is repeated: time has no smaller part here.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private const int Patience = 2;
    private const int Ever = 1_000_000;

    private readonly AttemptRandom _random;

    public Place(Configuration configuration, int index)
    {
        Configuration = configuration;
        Index = index;
        Party = index == 0 ? configuration.A : configuration.B;
        Options = Party.ToOptions();
        _random = new(index, configuration.Weakness == Weakness.SameAttemptString);
        Context = new()
        {
            Crypto = CryptoProvider.Default,
            Random = _random,
            Self = Identity(index),
            Served = Party.Schemes,
            Hides = Party.Hidden,
            Times = new()
            {
                FirstResend = Interval,
                Resend = configuration.Weakness == Weakness.ProposalOnce ? Interval * Ever : Interval,
                Attempt = Interval * (configuration.Forgets ? configuration.Attempt : Ever),
                JoinPatience = configuration.Weakness == Weakness.JoinForGood ? Interval * Ever : Interval,
                JoinLongest = Interval * (configuration.Weakness == Weakness.JoinForGood ? Ever : Patience),
                RejectPatience = Interval * Patience,
                Memory = Interval * Ever,
            },
        };
        Direct = ReadName(Agreement.DirectTranscript(Context.Crypto, "x"));
    }

    public Configuration Configuration { get; }

    /// <summary>Gets the intervals after which a handshake of the responder is forgotten.</summary>
    public long Forget => Configuration.Forgets ? Configuration.Attempt : Ever;

    public TimeSpan Attempt => Interval * Configuration.Attempt;

    public int Index { get; }

    public Party Party { get; }

    public NegotiatorContext Context { get; }

    public ProposalOptions Options { get; }

    /// <summary>Gets the transcript of direct mode.</summary>
    public ulong Direct { get; }

    public PeerId Peer => Identity(1 - Index);

    public PathAddress Path => new(Address(Index), Address(1 - Index));

    /// <summary>Gets the identity of a side: that of A is the smaller one. Others are a stranger's.</summary>
    public static PeerId Identity(int index) => Make(index switch { 0 => 0x41, 1 => 0x42, _ => 0x7F });

    public static byte[] Multihash(byte id) => [0x00, 0x01, id];

    /// <summary>Returns the name of a transcript: its first eight bytes, which first packets carry.</summary>
    public static ulong ReadName(ReadOnlySpan<byte> transcript) => BinaryPrimitives.ReadUInt64BigEndian(transcript);

    /// <summary>Says which attempt the randomness is for that is drawn next.</summary>
    public void Draw(int attempt) => _random.Attempt = attempt;

    public Negotiator NewNegotiator() => new(Context, ImplementationLimits.DatagramSize);

    private static PeerId Make(byte id) => PeerId.TryRead(Multihash(id), out var peer) ? peer : throw new InvalidOperationException();

    private static NetworkAddress Address(int index) => new((UInt128)(index + 1), 9);

    /// <summary>The random bytes of an attempt are its number: the same schedule always draws the same ones.</summary>
    private sealed class AttemptRandom(int side, bool isBroken) : IRandomSource
    {
        public int Attempt { get; set; }

        public void Fill(Span<byte> destination)
        {
            destination.Clear();
            if (destination.Length > 4)
            {
                destination[0] = (byte)side;
                destination[1] = (byte)(isBroken ? 0 : Attempt);
            }
        }
    }
}
