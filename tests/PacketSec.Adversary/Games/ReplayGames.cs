using System.Text;
using PacketSec.Adversary.Contestants;
using PacketSec.Adversary.Parties;
using PacketSec.Protocol;
using PacketSec.Protocol.Wire;
using PacketSec.Simulation;
using PacketSec.Simulation.Network;

namespace PacketSec.Adversary.Games;

/// <summary>Property 6, and 13: somebody sends again what was sent before.</summary>
internal static class ReplayGames
{
    private static readonly NetworkAddress CarolAt = Addresses.Host(0x0401);
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(1);

    // The orders that leave nothing out.
    private static readonly int[] WholeOrders = [0, 2, 3];

    public static IReadOnlyList<Game> All { get; } =
    [
        new SearchGame(WhileLive)
        {
            Name = "6a",
            What = "replays a live session's packets in every order, to and from every address; wants a delivery, a session, or a change of what lives",
        },
        new SearchGame(AfterRestart)
        {
            Name = "6b",
            What = "replays everything to a server that restarted, and brings the cookies that it asks for; wants a delivery or a session",
        },
        new SearchGame(HalfOpen)
        {
            Name = "6c",
            What = "replays everything from a new address; wants the server to keep anything of it, even half-open",
        },
        new SearchGame(AskAgain)
        {
            Name = "13a",
            What = "replays an allowed client's packets to this and another server, and brings the cookies that they ask for; wants the access list to be asked",
        },
        new ConfirmGame(IsAllowed)
        {
            Name = "13b",
            What = "the same; wants to know whether the client is still on the list",
            SameBytes = true,
        },
    ];

    private static string? WhileLive(Contestant contestant, ulong seed, int run)
    {
        using var talk = new Talk(contestant, seed);
        talk.Scene.Run(6);
        var everything = talk.Scene.Recording.ToArray();
        var (opened, delivered) = talk.Sums();
        var digests = (talk.A.StateDigest(false), talk.B.StateDigest(false));
        var chosen = Choose(everything, run, new DeterministicRandom(seed));
        for (var i = 0; i < chosen.Length; i++)
        {
            var datagram = chosen[i];
            talk.Inject(datagram.From, datagram.To, datagram.Bytes, i);
            talk.Inject(Scene.MalloryAt, datagram.To, datagram.Bytes, i);
            talk.Inject(datagram.To, datagram.From, datagram.Bytes, i);
        }

        talk.Scene.World.RunFor((Step * chosen.Length) + TimeSpan.FromMilliseconds(20));
        var after = talk.Sums();
        return after.Delivered > delivered ? "a payload is delivered again"
            : after.Opened > opened ? "a new session"
            : digests != (talk.A.StateDigest(false), talk.B.StateDigest(false)) ? "the state of what lives changes" : null;
    }

    private static string? AfterRestart(Contestant contestant, ulong seed, int run)
    {
        using var talk = new Talk(contestant, seed);
        var everything = talk.Scene.Recording.Where(datagram => datagram.To == Scene.BobAt).ToArray();
        talk.A.Dispose();
        talk.B.Restart();
        var events = talk.B.Events.Count;
        var (chosen, from) = (Choose(everything, run, new DeterministicRandom(seed)), run % 2 == 0 ? Scene.AliceAt : Scene.MalloryAt);
        talk.Scene.ClearRecording();
        talk.Replay(chosen, from, Scene.BobAt);
        talk.BringCookies(chosen);
        talk.Replay(chosen, from, Scene.BobAt);
        talk.Scene.Run(12);
        var fresh = talk.B.Events.Skip(events).ToArray();
        return fresh.Any(happened => happened.Kind == PartyEventKind.Delivered) ? "a payload is delivered again"
            : fresh.Any(happened => happened.Kind == PartyEventKind.Opened) ? "a session with nobody" : null;
    }

    private static string? HalfOpen(Contestant contestant, ulong seed, int run)
    {
        using var talk = new Talk(contestant, seed);
        talk.Scene.Run(14);
        var everything = talk.Scene.Recording.Where(datagram => datagram.To == Scene.BobAt).ToArray();
        var before = talk.B.StateDigest(true);
        talk.Replay(Choose(everything, run, new DeterministicRandom(seed)), Scene.MalloryAt, Scene.BobAt);
        talk.Scene.World.RunFor((Step * everything.Length) + TimeSpan.FromMilliseconds(20));
        return talk.B.StateDigest(true) == before ? null : "a half-open handshake";
    }

    private static string? AskAgain(Contestant contestant, ulong seed, int run)
    {
        using var talk = new Talk(contestant, seed, withCarol: true);
        talk.Forget(stillAllowed: true);
        talk.ReplayEverywhere(run);
        return talk.AskedLater ? "the access list is asked" : null;
    }

    private static Sight IsAllowed(Contestant contestant, ulong seed, int bit)
    {
        using var talk = new Talk(contestant, seed, withCarol: true);
        talk.Forget(stillAllowed: bit == 1);
        talk.ReplayEverywhere(WholeOrders[(int)(seed % (ulong)WholeOrders.Length)]);
        return new(talk.Scene.Recording.ToArray(), () => "");
    }

    /// <summary>Returns everything, a prefix, the same backwards, shuffled, or a part of it.</summary>
    private static RecordedDatagram[] Choose(RecordedDatagram[] everything, int run, DeterministicRandom random)
    {
        switch (run % 5)
        {
            case 0:
                return everything;
            case 1:
                return everything[..(1 + random.Next(everything.Length))];
            case 2:
                return [.. everything.Reverse()];
            case 3:
                return [.. everything.OrderBy(_ => random.NextUInt64())];
            default:
                return [.. everything.Where(_ => random.Next(2) == 0)];
        }
    }

    /// <summary>A client and a server that talked, and perhaps another server.</summary>
    private sealed class Talk : IDisposable
    {
        private bool _isLater;
        private bool _stillAllowed;

        public Talk(Contestant contestant, ulong seed, bool withCarol = false)
        {
            var (alice, bob) = (Persona.Of(seed, "Alice"), Persona.Of(seed, "Bob"));
            Scene = new(contestant, seed);
            A = Scene.Join("A", alice, Scene.AliceAt, known: bob.Face);
            B = Scene.Join("B", bob, Scene.BobAt, List, known: alice.Face);
            if (withCarol)
            {
                Scene.Join("C", Persona.Of(seed, "Carol"), CarolAt, List, known: alice.Face);
            }

            A.Dial(bob.Face, Scene.BobAt);
            Scene.Run(1);
            for (var i = 0; i < 3; i++)
            {
                Scene.Send(A, bob.Face, [1, 2, 3, (byte)i]);
                Scene.Send(B, alice.Face, [4, 5, 6, (byte)i]);
            }

            if (B.Count(PartyEventKind.Delivered) == 0)
            {
                throw new GameException($"{contestant}: there was no conversation to replay.");
            }
        }

        public Scene Scene { get; }

        public IParty A { get; }

        public IParty B { get; }

        public bool AskedLater { get; private set; }

        public (int Opened, int Delivered) Sums()
            => (A.Count(PartyEventKind.Opened) + B.Count(PartyEventKind.Opened), A.Count(PartyEventKind.Delivered) + B.Count(PartyEventKind.Delivered));

        public void Inject(NetworkAddress from, NetworkAddress to, byte[] bytes, int step) => Scene.World.Network.Inject(from, to, bytes, Step * step);

        public void Replay(RecordedDatagram[] chosen, NetworkAddress from, NetworkAddress to)
        {
            for (var i = 0; i < chosen.Length; i++)
            {
                Inject(from, to, chosen[i].Bytes, i);
            }
        }

        /// <summary>Lets the client go and the server restart; from now on the list says what it is told.</summary>
        public void Forget(bool stillAllowed)
        {
            A.Dispose();
            B.Restart();
            (_isLater, _stillAllowed) = (true, stillAllowed);
        }

        public void ReplayEverywhere(int run)
        {
            var chosen = Choose([.. Scene.Recording.Where(datagram => datagram.To == Scene.BobAt)], run, new DeterministicRandom(Scene.Seed));
            Scene.ClearRecording();
            ReplayToBoth(chosen);
            BringCookies(chosen);
            ReplayToBoth(chosen);
            Scene.Run(12);
        }

        /// <summary>Sends the proposals of a replay once more, with the cookies that they drew: what is replayed is else over where a server asks for them.</summary>
        public void BringCookies(RecordedDatagram[] replayed)
        {
            Scene.Run(0.2);
            foreach (var answer in Scene.Recording.ToArray())
            {
                if (!WireMessage.TryRead<AcceptFrame>(answer.Bytes, out var accept) || !PsecFrame.IsRetry(accept.Scheme))
                {
                    continue;
                }

                foreach (var datagram in replayed)
                {
                    if (PsecFrame.LooksLikeProposal(datagram.Bytes) && WireMessage.TryRead<ProposalFrame>(datagram.Bytes, out var proposal))
                    {
                        Inject(answer.To, answer.From, WithCookie(proposal, accept.Scheme), 0);
                    }
                }
            }

            Scene.Run(0.1);
        }

        private static byte[] WithCookie(in ProposalFrame proposal, ReadOnlySpan<byte> cookie)
        {
            var strings = new List<string>();
            foreach (var text in proposal)
            {
                if (!PsecFrame.IsRetry(text))
                {
                    strings.Add(Encoding.UTF8.GetString(text));
                }
            }

            return ProposalFrame.Encode(proposal.PeerId, [.. strings, PsecFrame.Retry, Encoding.UTF8.GetString(cookie)], proposal.FirstPacket);
        }

        private void ReplayToBoth(RecordedDatagram[] chosen)
        {
            foreach (var to in new[] { Scene.BobAt, CarolAt })
            {
                Replay(chosen, Scene.AliceAt, to);
                Replay(chosen, Scene.MalloryAt, to);
            }
        }

        public void Dispose() => Scene.Dispose();

        private Answer List(byte[] key)
        {
            // Without a key it is asked how fast it answers.
            AskedLater |= _isLater && key.Length > 0;
            return !_isLater || _stillAllowed ? Answer.Yes : Answer.No;
        }
    }
}
