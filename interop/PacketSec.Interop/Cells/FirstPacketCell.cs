using PacketSec.Interop.Faults;
using PacketSec.Interop.Peers;

namespace PacketSec.Interop.Cells;

/// <summary>
/// A dial with the first packet inside the proposal, through a path that takes accepts and first packets that come by themselves: only the one inside can
/// lead to a session, and only its answer can stand for the accept. Or a dial without it, which waits for the accept.
/// </summary>
internal sealed class FirstPacketCell(CellPlace place, bool isInside) : Cell(place)
{
    private const int Datagrams = 20;

    public override async Task RunAsync(CellRun run)
    {
        var identity = run.Keys.Make("listener");
        var seen = new Seen();
        await using var listening = await ListenAsync(run, identity, AnyPort, FullLifetime);
        await using var path = run.OpenPath(listening, FaultProfile.Clean, (_, datagram) => seen.Pass(datagram, isInside));
        await using var dial = Diallers.Dial(
            new()
            {
                Identity = run.Keys.Make("dialler"),
                Expected = identity,
                Address = path.EndPoint,
                Mode = Mode,
                Speech = Speech,
                FirstPacketInside = isInside,
                Count = Datagrams,
                EchoTimeout = EchoTimeout,
            },
            run.Token);
        var outcome = await dial.Outcome;
        run.Take(outcome, EndReason.Finished);
        run.Require(outcome.Echoed == Datagrams, $"{outcome.Lost} datagrams are lost");
        run.Require(isInside ? seen.Without == 0 : seen.Inside == 0, $"{seen.Inside} proposals had a first packet inside, {seen.Without} had none");
        run.Require(isInside || seen.Apart > 0, "no first packet came by itself");
        await RequireAgreementAsync(run, outcome.Sessions, listening);
    }

    /// <summary>What the path has seen.</summary>
    private sealed class Seen
    {
        private int _inside;
        private int _without;
        private int _apart;

        public int Inside => Volatile.Read(ref _inside);

        public int Without => Volatile.Read(ref _without);

        public int Apart => Volatile.Read(ref _apart);

        public bool Pass(ReadOnlySpan<byte> datagram, bool onlyInside)
        {
            var frame = PsecFrames.Read(datagram);
            var isApart = PsecFrames.IsFirstPacket(datagram);
            _ = frame == PsecFrame.ProposalWithFirstPacket ? Interlocked.Increment(ref _inside)
                : frame == PsecFrame.Proposal ? Interlocked.Increment(ref _without)
                : isApart ? Interlocked.Increment(ref _apart)
                : 0;
            return !onlyInside || !(isApart || frame == PsecFrame.Accept);
        }
    }
}
