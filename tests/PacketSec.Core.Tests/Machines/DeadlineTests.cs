using PacketSec.Protocol.Schemes.P2pke;
using PacketSec.Protocol.Sessions;

namespace PacketSec.Protocol.Tests.Machines;

/// <summary>A driver asks for the next deadline only where a datagram says that it moved: otherwise it would never come up.</summary>
public class DeadlineTests
{
    private static readonly PathAddress Elsewhere = EndpointFixture.PathFrom(EndpointFixture.Address(60));

    [Fact]
    public void Whenever_a_datagram_brings_a_deadline_nearer_it_says_so()
    {
        int nearer = 0, unmoved = 0;
        for (var seed = 0; seed < 300; seed++)
        {
            Walk(new Random(seed), ref nearer, ref unmoved);
        }

        // Both sides are seen, and often.
        Assert.InRange(nearer, 1_000, int.MaxValue);
        Assert.InRange(unmoved, 1_000, int.MaxValue);
    }

    [Fact]
    public void The_first_datagram_sets_the_deadline_of_its_receipt_and_the_next_ones_move_nothing()
    {
        using var fixture = new PeerFixture();
        var session = fixture.AdoptKnown();

        Assert.True(Take(fixture, fixture.Seal(session, [1]), PeerFixture.Path).DeadlineMoved);
        var due = fixture.Machine.NextDeadline;
        Assert.Equal(fixture.Now + SpecLimits.AcknowledgeAfter, due);
        for (var i = 0; i < 10; i++)
        {
            var received = Take(fixture, fixture.Seal(session, [1]), PeerFixture.Path);
            Assert.True(received.NothingPending);
            Assert.False(received.DeadlineMoved);
        }

        Assert.Equal(due, fixture.Machine.NextDeadline);
    }

    [Fact]
    public void A_receipt_ends_the_wait_for_an_answer_and_leaves_nothing_to_poll()
    {
        using var fixture = new PeerFixture();
        var session = fixture.Adopt();
        fixture.Sent();
        fixture.Events();

        // The first one says what the peer is.
        Assert.False(Take(fixture, fixture.Seal(session, []), PeerFixture.Path).NothingPending);
        Assert.False(fixture.Machine.MayBeReference);
        fixture.Send([1], out _);
        Assert.Equal(PeerTimer.DeadSession, fixture.Machine.NextTimer);

        var received = Take(fixture, fixture.Seal(session, []), PeerFixture.Path);

        Assert.Equal(ReceivedKind.Control, received.Kind);
        Assert.True(received.NothingPending);
        Assert.False(received.DeadlineMoved);
        Assert.Empty(fixture.Sent());
        Assert.Empty(fixture.Events());
        Assert.NotEqual(PeerTimer.DeadSession, fixture.Machine.NextTimer);
    }

    [Fact]
    public void An_empty_packet_that_has_to_be_answered_says_that_there_is_something_to_poll()
    {
        using var fixture = new PeerFixture();
        var session = fixture.Dial();
        fixture.Sent();

        // An initiator of direct mode answers the first one.
        Assert.False(Take(fixture, fixture.Seal(session, []), PeerFixture.Path).NothingPending);
        Assert.Empty(fixture.Open(session, Assert.Single(fixture.Sent()))!);
        Assert.True(Take(fixture, fixture.Seal(session, []), PeerFixture.Path).NothingPending);
    }

    private static void Walk(Random random, ref int nearer, ref int unmoved)
    {
        using var fixture = new PeerFixture(options => new PeerMachineOptions
        {
            Crypto = options.Crypto,
            Random = options.Random,
            Identity = options.Identity,
            RemotePeer = options.RemotePeer,
            WallClock = options.WallClock,
            Keepalive = random.Next(3) == 0 ? TimeSpan.FromSeconds(20) : null,
        });
        var sessions = new List<(Session Remote, PathAddress Path)>();
        sessions.Add((random.Next(3) switch { 0 => fixture.Dial(), 1 => fixture.Adopt(), _ => fixture.AdoptKnown() }, PeerFixture.Path));
        for (var step = 0; step < 60; step++)
        {
            var (remote, path) = sessions[random.Next(sessions.Count)];
            byte[]? datagram = null;
            switch (random.Next(20))
            {
                case < 8:
                    datagram = fixture.Seal(remote, new byte[random.Next(1, 40)]);
                    break;
                case 8 or 9:
                    datagram = fixture.Seal(remote, []);
                    break;
                case 10:
                    datagram = fixture.Seal(remote, [1]);
                    datagram[^1] ^= 1;
                    break;
                case 11 when random.Next(20) == 0:
                    datagram = remote.SealClosing(fixture.Aead).ToArray();
                    break;
                case 12 or 13:
                    fixture.Send([2], out _);
                    break;
                case 14 when sessions.Count < 5:
                    path = random.Next(2) == 0 ? PeerFixture.Path : Elsewhere;
                    sessions.Add((fixture.Adopt(seed: (byte)(20 * sessions.Count), path: path), path));
                    break;
                case < 17:
                    fixture.RunWork();
                    foreach (var hello in fixture.Sent().Where(packet => PeerFixture.Word(packet) == P2pkeScheme.InitHelloWord))
                    {
                        var (answer, session) = fixture.Respond(hello);
                        sessions.Add((session, PeerFixture.Path));
                        Check(fixture, answer, PeerFixture.Path, ref nearer, ref unmoved);
                    }

                    break;
                default:
                    fixture.Advance(TimeSpan.FromMilliseconds(random.Next(3) == 0 ? random.Next(20_000) : random.Next(300)));
                    break;
            }

            if (datagram is not null)
            {
                Check(fixture, datagram, path, ref nearer, ref unmoved);
            }
        }
    }

    private static void Check(PeerFixture fixture, byte[] datagram, PathAddress path, ref int nearer, ref int unmoved)
    {
        var before = fixture.Machine.NextDeadline;
        var received = Take(fixture, datagram, path);
        var isNearer = fixture.Machine.NextDeadline is { } after && (before is null || after < before);
        Assert.True(received.DeadlineMoved || !received.NothingPending || !isNearer, $"{received.Kind}: from {before} to {fixture.Machine.NextDeadline}");
        nearer += isNearer ? 1 : 0;
        unmoved += received.DeadlineMoved ? 0 : 1;
    }

    private static Received Take(PeerFixture fixture, byte[] datagram, PathAddress path)
        => fixture.Machine.HandleDatagram(fixture.Now, fixture.Aead, path, datagram, new byte[datagram.Length]);
}
