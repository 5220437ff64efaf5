using System.Net;
using PacketSec.Protocol.Schemes.P2pke;
using PacketSec.Protocol.Wire;

namespace PacketSec.Cli.Demo;

/// <summary>
/// A relay between two endpoints that dial each other. It holds everything back until both have proposed, so that the proposals cross on every run.
/// </summary>
internal sealed class MeetingRelay : Relay
{
    // The end of a peer ID that holds an Ed25519 key is the key.
    private const int KeySize = 32;

    // The way takes its time, as ways do.
    private static readonly TimeSpan Latency = TimeSpan.FromMilliseconds(5);

    private readonly IPEndPoint[] _sides;
    private readonly int? _altered;
    private readonly bool[] _hasProposed = new bool[2];
    private readonly int[] _handshakes = new int[2];
    private readonly List<(byte[] Datagram, int To)> _held = [];

    /// <summary>Starts the relay.</summary>
    /// <param name="sides">The addresses of both endpoints.</param>
    /// <param name="altered">The one whose proposals get the largest peer ID there can be on their way; null alters nothing.</param>
    public MeetingRelay(IPEndPoint[] sides, int? altered)
    {
        (_sides, _altered) = (sides, altered);
        Start();
    }

    /// <summary>Returns how many first messages of handshakes a side sent, copies included. Any thread.</summary>
    public int HandshakesBegunBy(int side) => Volatile.Read(ref _handshakes[side]);

    /// <summary>Puts the largest key in the place of the one in a proposal's peer ID.</summary>
    public static void EnlargeId(Span<byte> proposal) => proposal.Slice(2 + proposal[1] - KeySize, KeySize).Fill(byte.MaxValue);

    protected override async Task HandleAsync(Memory<byte> datagram, EndPoint from, CancellationToken cancellationToken)
    {
        var side = Array.IndexOf(_sides, from);
        if (side < 0)
        {
            return;
        }

        Look(datagram.Span, side);
        _held.Add((datagram.ToArray(), 1 - side));
        if (!_hasProposed.All(hasProposed => hasProposed))
        {
            return;
        }

        foreach (var (held, to) in _held)
        {
            await Task.Delay(Latency, cancellationToken);
            await SendAsync(held, _sides[to], cancellationToken);
        }

        _held.Clear();
    }

    private void Look(Span<byte> datagram, int side)
    {
        if (PsecFrame.LooksLikeProposal(datagram) && PsecFrame.IsFrame(datagram))
        {
            _hasProposed[side] = true;
            if (_altered == side)
            {
                EnlargeId(datagram);
            }
        }
        else if (PacketHeader.TryRead(datagram, out var header) && header.Word == P2pkeScheme.InitHelloWord)
        {
            Interlocked.Increment(ref _handshakes[side]);
        }
    }
}
