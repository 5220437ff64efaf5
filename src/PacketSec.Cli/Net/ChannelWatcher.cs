using System.Text.Json;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Schemes;

namespace PacketSec.Cli.Net;

/// <summary>Prints what happens to a channel, from its events.</summary>
internal sealed class ChannelWatcher(PacketSecChannel channel, Reporter reporter, bool resultsOnly)
{
    private readonly PeerId _peer = channel.RemotePeerId;
    private PeerId? _stranger;

    /// <summary>Gets a value indicating whether another identity answers in the peer's place, and the user has been told.</summary>
    public bool IsMismatched => Volatile.Read(ref _stranger) is not null;

    /// <summary>Prints until the channel is over.</summary>
    /// <param name="name">How lines name the channel.</param>
    public async Task RunAsync(string name)
    {
        await foreach (var happening in channel.ReadEventsAsync())
        {
            switch (happening)
            {
                case PacketSecChannelEvent.SessionConfirmed session:
                    Volatile.Write(ref _stranger, null);
                    var maker = session.Role == SessionRole.Initiator ? "this side" : "the peer";
                    Print(Tone.Good, "session", $"{name}: session {session.Number}, begun by {maker}, is confirmed with {session.Remote}", line =>
                    {
                        line.WriteNumber("number", session.Number);
                        line.WriteString("role", session.Role.ToString().ToLowerInvariant());
                        line.WriteString("remote", session.Remote.ToString());
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
                    Print(Tone.Bad, "attempt_failed", $"{name}: nobody answered a handshake for 10 s", _ => { });
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
