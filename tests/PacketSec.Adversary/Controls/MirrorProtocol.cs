using PacketSec.Adversary.Contestants;
using PacketSec.Adversary.Parties;
using PacketSec.Adversary.Tools;
using PacketSec.Crypto;
using PacketSec.Protocol;
using PacketSec.Simulation;
using PacketSec.Simulation.Network;

namespace PacketSec.Adversary.Controls;

/// <summary>A control: a challenge that both roles answer in the same way, under a key that both have. Whoever gets his own challenge back answers it.</summary>
internal sealed class MirrorProtocol : Contestant
{
    public override IParty Join(World world, PartySetup setup) => new Party(world, setup);

    public override IEnumerable<NoiseView> Views(IReadOnlyList<RecordedDatagram> recording) => [];

    private sealed class Party : IParty, IDatagramReceiver
    {
        private const int ChallengeSize = 16;

        private readonly World _world;
        private readonly PartySetup _setup;
        private readonly List<PartyEvent> _events = [];
        private readonly SeededRandomSource _random;
        private Face? _peer;
        private byte[] _challenge = [];

        public Party(World world, PartySetup setup)
        {
            _world = world;
            _setup = setup;
            _random = new(setup.Randomness);
            world.Network.Attach(setup.Address, this);
        }

        public NetworkAddress Address => _setup.Address;

        public IReadOnlyList<PartyEvent> Events => _events;

        public void Dial(Face peer, NetworkAddress at)
        {
            _peer = peer;
            _challenge = new byte[ChallengeSize];
            _random.Fill(_challenge);
            _world.Network.Send(Address, at, _challenge);
        }

        public bool TrySend(Face peer, ReadOnlySpan<byte> payload) => false;

        public void Restart() => _challenge = [];

        public string StateDigest(bool withHalfOpen) => Convert.ToHexString(_challenge);

        public IEnumerable<byte[]> Memory() => [_challenge];

        public void OnDatagram(Instant now, in PathAddress path, ReadOnlySpan<byte> datagram)
        {
            if (datagram.Length == ChallengeSize)
            {
                _world.Network.Send(Address, path.Remote, Answer(datagram));
            }
            else if (_peer is not null && datagram.SequenceEqual(Answer(_challenge)))
            {
                _events.Add(new(now, PartyEventKind.Opened, _peer.Ed25519, []));
            }
        }

        public void Dispose() => _world.Network.Detach(Address);

        private byte[] Answer(ReadOnlySpan<byte> challenge)
        {
            var shared = new byte[32];
            _setup.Self.AgreementKey.TryAgree(_peer is null ? _setup.Known[0].X25519 : _peer.X25519, shared);
            var answer = new byte[32];
            _setup.Crypto.Hmac(HashAlgorithm.Sha256, shared, challenge, [], answer);
            return answer;
        }
    }
}
