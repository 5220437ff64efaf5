using System.Net;
using PacketSec.Interop.Faults;
using PacketSec.Interop.Peers;

namespace PacketSec.Interop.Cells;

/// <summary>One cell of the matrix: a scenario between a dialler and a listener.</summary>
/// <param name="scenario">What happens.</param>
/// <param name="dialler">Who dials.</param>
/// <param name="listener">Who is dialled.</param>
internal abstract class Cell(string scenario, IPeers dialler, IPeers listener)
{
    /// <summary>The ceiling of every wait; a cell that reaches it has failed.</summary>
    public static readonly TimeSpan Ceiling = TimeSpan.FromSeconds(30);

    protected static readonly TimeSpan FullLifetime = TimeSpan.FromSeconds(60);

    /// <summary>
    /// The lifetime of sessions that are renewed under traffic. A third of it, the 0.4 s between rekey and the end of sending, is what a busy machine
    /// may keep a process waiting.
    /// </summary>
    protected static readonly TimeSpan ShortLifetime = TimeSpan.FromSeconds(2.4);

    /// <summary>How long an echo, and from the Go peer a connection, is waited for: under 30 % loss a handshake takes a dozen copies at worst.</summary>
    protected static readonly TimeSpan EchoTimeout = TimeSpan.FromSeconds(6);

    public string Scenario => scenario;

    public string Pair => $"{dialler.Name}-{listener.Name}";

    public string Name => $"{Pair}/{scenario}";

    public bool NeedsGo => dialler is GoPeers || listener is GoPeers;

    protected IPeers Diallers => dialler;

    protected IPeers Listeners => listener;

    /// <summary>Runs the cell.</summary>
    /// <param name="run">Takes what is counted and required.</param>
    /// <exception cref="CellFailure">The cell failed.</exception>
    public abstract Task RunAsync(CellRun run);

    protected static IPEndPoint AnyPort => new(IPAddress.Loopback, 0);

    protected Task<IListener> ListenAsync(CellRun run, PeerKey identity, IPEndPoint address, TimeSpan lifetime)
        => Listeners.ListenAsync(new(identity, address, lifetime), run.Token);

    protected static async Task UntilAsync(CellRun run, Func<bool> condition)
    {
        while (!condition())
        {
            await Task.Delay(TimeSpan.FromMilliseconds(10), run.Token);
        }
    }

    /// <summary>Waits until so many more data packets went from the listener to the dialler.</summary>
    protected static Task UntilAnsweredAsync(CellRun run, FaultProxy path, IDialler dial, int more)
    {
        long Answers() => path.Counts(PacketClass.Data, PacketDirection.ToDialler).Received;
        var goal = Answers() + more;
        return UntilAsync(run, () => Answers() >= goal || dial.Outcome.IsCompleted);
    }
}

/// <summary>Why a cell failed, for its line in the report.</summary>
internal sealed class CellFailure(string message) : Exception(message);
