using System.Net;
using System.Net.Sockets;
using PacketSec.Interop.Faults;
using PacketSec.Interop.Peers;

namespace PacketSec.Interop.Cells;

/// <summary>
/// The listener dies under traffic without a word and comes back at the same address: under the same key the dialler finds it again by itself; under
/// another one it gets no session, and ends with that reason when its last one has expired.
/// </summary>
internal sealed class RestartCell(CellPlace place, bool sameKey) : Cell(place)
{
    private const int Answers = 50;
    private const int DatagramCount = 3000;

    // Below what systems hand out by themselves: while the listener is down, nobody gets its port.
    private const int FirstPort = 10_000;
    private const int LastPort = 30_000;

    public override async Task RunAsync(CellRun run)
    {
        var identity = run.Keys.Make("listener");
        var first = await ListenAsync(run, identity, FreeAddress(), FullLifetime);
        await using var atTheLatest = first;
        await using var path = run.OpenPath(first, FaultProfile.Clean);
        await using var dial = Diallers.Dial(
            new()
            {
                Identity = run.Keys.Make("dialler"),
                Expected = identity,
                Address = path.EndPoint,
                Mode = Mode,
                Speech = Speech,
                Count = DatagramCount,
                Size = 200,
                Duration = Ceiling,
                EchoTimeout = TimeSpan.FromSeconds(2),
                Lifetime = sameKey ? FullLifetime : ShortLifetime,
            },
            run.Token);
        await UntilAnsweredAsync(run, path, dial, Answers);

        // What a dying process still says does not count.
        path.Cut = true;
        await first.KillAsync();
        await using var second = await ListenAsync(run, sameKey ? identity : run.Keys.Make("other"), first.Address, FullLifetime);
        path.Cut = false;
        if (sameKey)
        {
            await UntilAsync(run, () => second.Sessions.Count > 0 || dial.Outcome.IsCompleted);
            await UntilAnsweredAsync(run, path, dial, Answers);
            dial.Stop();
        }

        var outcome = await dial.Outcome;
        run.Take(outcome, sameKey ? EndReason.Finished : EndReason.WrongIdentity);
        run.Require(!sameKey || outcome.Sessions.Count >= 2, $"there was only {outcome.Sessions.Count} session");
        run.Require(sameKey || second.Sessions.Count == 0, "the impostor has a session");
        await RequireAgreementAsync(run, outcome.Sessions, first, second);
        var known = first.Sessions.Select(session => session.Transcript);
        run.Require(
            Mode == PeerMode.Direct || !second.Sessions.Any(session => known.Contains(session.Transcript)), "the agreement outlived the restart");
    }

    private static IPEndPoint FreeAddress()
    {
        while (true)
        {
            var address = new IPEndPoint(IPAddress.Loopback, Random.Shared.Next(FirstPort, LastPort));
            using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            try
            {
                probe.Bind(address);
                return address;
            }
            catch (SocketException error) when (error.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                // The next one may be free.
            }
        }
    }
}
