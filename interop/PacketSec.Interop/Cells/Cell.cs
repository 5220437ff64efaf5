using System.Net;
using PacketSec.Interop.Faults;
using PacketSec.Interop.Peers;

namespace PacketSec.Interop.Cells;

/// <summary>Where a cell stands in the matrix.</summary>
/// <param name="Scenario">What happens.</param>
/// <param name="Speech">Which schemes the peers speak.</param>
/// <param name="Mode">How they come to one.</param>
/// <param name="Dialler">Who dials.</param>
/// <param name="Listener">Who is dialled.</param>
internal sealed record CellPlace(string Scenario, Speech Speech, PeerMode Mode, IPeers Dialler, IPeers Listener);

/// <summary>One cell of the matrix: a scenario between a dialler and a listener.</summary>
internal abstract class Cell(CellPlace place)
{
    /// <summary>The ceiling of every wait; a run that reaches it has failed.</summary>
    public static readonly TimeSpan Ceiling = TimeSpan.FromSeconds(30);

    protected static readonly TimeSpan FullLifetime = TimeSpan.FromSeconds(60);

    /// <summary>
    /// The lifetime of sessions that are renewed under traffic. A third of it, the 0.4 s between rekey and the end of sending, is what a busy machine
    /// may keep a process waiting.
    /// </summary>
    protected static readonly TimeSpan ShortLifetime = TimeSpan.FromSeconds(2.4);

    /// <summary>How long an echo is waited for where none gets lost.</summary>
    protected static readonly TimeSpan EchoTimeout = TimeSpan.FromSeconds(6);

    public string Scenario => string.Join('/', (string[])
        [.. (string[])(Speech.Name.Length > 0 ? [Speech.Name] : []), .. (string[])(Mode == PeerMode.Direct ? ["direct"] : []), place.Scenario]);

    public string Pair => $"{place.Dialler.Name}-{place.Listener.Name}";

    public string Name => $"{Pair}/{Scenario}";

    public bool NeedsGo => place.Dialler is GoPeers || place.Listener is GoPeers;

    /// <summary>Gets how long the cell may take.</summary>
    public virtual TimeSpan Limit => Ceiling;

    protected Speech Speech => place.Speech;

    protected PeerMode Mode => place.Mode;

    protected IPeers Diallers => place.Dialler;

    protected IPeers Listeners => place.Listener;

    /// <summary>Runs the cell.</summary>
    /// <param name="run">Takes what is counted and required.</param>
    /// <exception cref="CellFailure">The cell failed.</exception>
    public abstract Task RunAsync(CellRun run);

    protected static IPEndPoint AnyPort => new(IPAddress.Loopback, 0);

    protected Task<IListener> ListenAsync(CellRun run, PeerKey identity, IPEndPoint address, TimeSpan lifetime)
        => Listeners.ListenAsync(new(identity, address, lifetime, Mode, Speech.OfListener), run.Token);

    /// <summary>Requires that the sessions of both ends came about in the cell's mode, and that the listener has all that the dialler has.</summary>
    protected async Task RequireAgreementAsync(CellRun run, IReadOnlyCollection<SessionFact> dialled, params IListener[] listeners)
    {
        List<SessionFact> Listened() => [.. listeners.SelectMany(listener => listener.Sessions)];

        // What a process says takes a while to get here.
        await UntilAsync(run, () => dialled.All(session => Listened().Exists(other => other.Transcript == session.Transcript)));
        foreach (var session in dialled.Concat(Listened()))
        {
            var isDirect = session.Case == SessionCase.Direct && session.Transcript is null;
            run.Require(isDirect == (Mode == PeerMode.Direct), $"a session is {session.Case}, with the transcript '{session.Transcript}'");
            run.Require(session.Scheme is null || Speech.Schemes.Contains(session.Scheme), $"a session is one of {session.Scheme}");
        }
    }

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
internal sealed class CellFailure(string message) : Exception(message)
{
    /// <summary>Gets the options that repeat it, beside those that name the cell.</summary>
    public string Repeat { get; init; } = "";
}
