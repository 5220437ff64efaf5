using System.Text.Json;
using PacketSec.Protocol.Identity;

namespace PacketSec.Cli.Net;

/// <summary>Prints what happens to a channel, from its events.</summary>
internal sealed class ChannelWatcher(PacketSecChannel channel, Reporter reporter, bool resultsOnly)
{
    private readonly PeerId _peer = channel.RemotePeerId;
    private readonly IAsyncEnumerator<PacketSecChannelEvent> _events = channel.ReadEventsAsync().GetAsyncEnumerator();
    private readonly Queue<PacketSecChannelEvent> _read = [];
    private PeerId? _stranger;

    /// <summary>Gets a value indicating whether another identity answers in the peer's place, and the user has been told.</summary>
    public bool IsMismatched => Volatile.Read(ref _stranger) is not null;

    /// <summary>Waits, before <see cref="RunAsync"/>, for the session that opened the channel, and prints nothing.</summary>
    /// <returns>The session; null where the channel is over and has none to tell of.</returns>
    public async Task<PacketSecChannelEvent.SessionConfirmed?> FirstSessionAsync()
    {
        while (await _events.MoveNextAsync())
        {
            _read.Enqueue(_events.Current);
            if (_events.Current is PacketSecChannelEvent.SessionConfirmed session)
            {
                return session;
            }
        }

        return null;
    }

    /// <summary>Prints until the channel is over.</summary>
    /// <param name="name">How lines name the channel.</param>
    public async Task RunAsync(string name)
    {
        while (_read.Count > 0 || await _events.MoveNextAsync())
        {
            var happening = _read.TryDequeue(out var read) ? read : _events.Current;
            switch (happening)
            {
                case PacketSecChannelEvent.SessionConfirmed session:
                    Volatile.Write(ref _stranger, null);
                    var how = SessionText.Describe(session, channel.Scheme);
                    Print(Tone.Good, "session", $"{name}: session {session.Number} is confirmed with {session.Remote}: {how}", line =>
                    {
                        line.WriteNumber("number", session.Number);
                        line.WriteString("remote", session.Remote.ToString());
                        SessionText.Write(line, session, channel.Scheme);
                    });
                    break;
                case PacketSecChannelEvent.SessionEnded session:
                    Print(Tone.Note, "session_ended", $"{name}: session {session.Number} has ended", line => line.WriteNumber("number", session.Number));
                    break;
                case PacketSecChannelEvent.AddressChanged moved:
                    Print(Tone.Note, "address", $"{name}: the peer is at {moved.Remote}", line => line.WriteString("remote", moved.Remote.ToString()));
                    break;
                case PacketSecChannelEvent.IdentityMismatch mismatch:
                    OnMismatch(mismatch.Proven);
                    break;
                case PacketSecChannelEvent.AttemptFailed:
                    Print(Tone.Bad, "attempt_failed", $"{name}: a handshake was not answered for 10 s, or found no scheme in common", _ => { });
                    break;
                case PacketSecChannelEvent.Closed closed:
                    Print(Tone.Note, "closed", $"{name}: {Describe(closed.Error)}", line =>
                    {
                        if (closed.Error is { } reason)
                        {
                            line.WriteString("reason", reason.ToString());
                        }
                    });
                    break;
                default:
                    throw new InvalidOperationException($"Nobody prints {happening.GetType().Name}.");
            }
        }
    }

    private static string Describe(PacketSecError? end) => end switch
    {
        null => "closed here",
        PacketSecError.PeerClosed => "closed by the peer",
        PacketSecError.Refused => "refused by the peer",
        PacketSecError.IdleTimeout => "closed, as no session lived for the idle timeout",
        PacketSecError.WrongIdentity => "closed, as another identity is in the peer's place",
        { } other => $"closed: {other}",
    };

    private void OnMismatch(PeerId proven)
    {
        // The channel tries again and again; who looks has been told once.
        if (proven.Equals(_stranger))
        {
            return;
        }

        Volatile.Write(ref _stranger, proven);
        Print(Tone.Bad, "identity_mismatch", $"another identity answers: {proven}", line => line.WriteString("proven", proven.ToString()));
        reporter.Problem($"{proven} answers at {channel.RemoteAddress} in the place of {_peer}: if the peer has a new key, dial its new peer ID.");
    }

    private void Print(Tone tone, string type, string text, Action<Utf8JsonWriter> write)
    {
        void WithPeer(Utf8JsonWriter line)
        {
            line.WriteString("peer", _peer.ToString());
            write(line);
        }

        if (resultsOnly)
        {
            reporter.Status(tone, type, text, WithPeer);
        }
        else
        {
            reporter.Line(tone, type, text, WithPeer);
        }
    }
}
