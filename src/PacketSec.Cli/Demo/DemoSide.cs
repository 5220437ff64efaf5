using PacketSec.Cli.Net;

namespace PacketSec.Cli.Demo;

/// <summary>One of the demo's two channels: what its events tell is printed, and kept.</summary>
internal sealed class DemoSide(string name, PacketSecChannel channel, DemoTeller teller)
{
    private readonly TaskCompletionSource<PacketSecError?> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<PacketSecChannelEvent.SessionConfirmed> _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _confirmed;
    private long _ended;

    public string Name { get; } = name;

    public PacketSecChannel Channel { get; } = channel;

    /// <summary>Gets the first session, once it is confirmed.</summary>
    public Task<PacketSecChannelEvent.SessionConfirmed> First => _first.Task;

    /// <summary>Gets the sessions confirmed so far.</summary>
    public long Confirmed => Volatile.Read(ref _confirmed);

    /// <summary>Gets the sessions ended so far.</summary>
    public long Ended => Volatile.Read(ref _ended);

    /// <summary>Gets the last event: why the channel ended, null when this side closed it.</summary>
    public Task<PacketSecError?> Closed => _closed.Task;

    /// <summary>Prints the channel's events until it is over.</summary>
    public async Task WatchAsync()
    {
        await foreach (var happening in Channel.ReadEventsAsync())
        {
            switch (happening)
            {
                case PacketSecChannelEvent.SessionConfirmed session:
                    OnConfirmed(session);
                    break;
                case PacketSecChannelEvent.SessionEnded session:
                    Interlocked.Increment(ref _ended);
                    teller.Tell(Tone.Note, Name, "session_ended", $"session {session.Number} has ended", line => line.WriteNumber("number", session.Number));
                    break;
                case PacketSecChannelEvent.Closed closed:
                    var reason = closed.Error is { } error ? $"the channel is closed: {error}" : "the channel is closed by this side";
                    teller.Tell(Tone.Note, Name, "closed", reason, line => line.WriteString("reason", closed.Error?.ToString() ?? "Disposed"));
                    _closed.TrySetResult(closed.Error);
                    break;
                default:
                    teller.Tell(Tone.Bad, Name, "event", $"{happening}", line => line.WriteString("event", happening.GetType().Name));
                    break;
            }
        }
    }

    private void OnConfirmed(PacketSecChannelEvent.SessionConfirmed session)
    {
        var what = session.Number == 1 ? $"handshake with {Channel.RemotePeerId} done" : "keys renewed";
        var how = SessionText.Describe(session, Channel.Scheme);
        teller.Tell(Tone.Good, Name, "session", $"{what}: session {session.Number} with {session.Remote} by {how}", line =>
        {
            line.WriteString("peer", Channel.RemotePeerId.ToString());
            line.WriteNumber("number", session.Number);
            line.WriteString("remote", session.Remote.ToString());
            SessionText.Write(line, session, Channel.Scheme);
        });
        Volatile.Write(ref _confirmed, session.Number);
        _first.TrySetResult(session);
    }
}
