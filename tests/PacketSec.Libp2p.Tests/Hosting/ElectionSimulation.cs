using PacketSec.Libp2p.Hosting;
using PacketSec.Simulation;

namespace PacketSec.Libp2p.Tests.Hosting;

/// <summary>
/// Two sides that dial each other at once, at one to three addresses each, in virtual time: a function of its seed. Whatever one side does reaches the other
/// after a delay, which losses make long, in any order.
/// </summary>
internal sealed class ElectionSimulation
{
    private readonly PriorityQueue<Action, (double At, int Order)> _plans = new();
    private readonly DeterministicRandom _random;
    private readonly HashSet<Number> _leaderOpen = [];
    private readonly HashSet<Number> _followerOpen = [];
    private readonly HashSet<Number> _closed = [];
    private double _now;
    private int _order;

    public ElectionSimulation(ulong seed)
    {
        _random = new(seed);
        var connections = 2 + _random.Next(4);
        for (var i = 0; i < connections; i++)
        {
            var connection = new Number(i);
            var dialledByLeader = i % 2 == 0;
            var first = Delay() + Delay();
            var second = first + Delay();
            _plans.Enqueue(() => EstablishAtLeader(connection), (dialledByLeader ? first : second, _order++));
            _plans.Enqueue(() => EstablishAtFollower(connection), (dialledByLeader ? second : first, _order++));
        }
    }

    public PairElection<Number> Leader { get; } = new(leads: true);

    public PairElection<Number> Follower { get; } = new(leads: false);

    /// <summary>Gets what dials of either side were given.</summary>
    public List<Number> HandedOut { get; } = [];

    public Number? FirstEstablishedAtFollower { get; private set; }

    public IEnumerable<int> OpenAtBoth => _leaderOpen.Union(_followerOpen).Select(connection => connection.Value);

    public void Run()
    {
        while (_plans.TryDequeue(out var action, out var place))
        {
            _now = place.At;
            action();
        }
    }

    public override string ToString()
        => $"leader {Leader.Chosen?.Value} of {Text(_leaderOpen)}, follower {Follower.Chosen?.Value} of {Text(_followerOpen)}";

    private static string Text(IEnumerable<Number> connections) => string.Join(' ', connections.Select(connection => connection.Value));

    // One packet in five is lost and repeated, at doubling times.
    private double Delay()
    {
        var delay = 0.01 + (0.02 * _random.NextDouble());
        for (var again = 0.05; _random.Chance(0.2); again *= 2)
        {
            delay += again;
        }

        return delay;
    }

    private void After(double delay, Action action) => _plans.Enqueue(action, (_now + delay, _order++));

    private void EstablishAtLeader(Number connection)
    {
        if (!_closed.Contains(connection))
        {
            _leaderOpen.Add(connection);
            Do(Leader.Established(connection));
        }
    }

    private void EstablishAtFollower(Number connection)
    {
        if (!_closed.Contains(connection))
        {
            FirstEstablishedAtFollower ??= connection;
            _followerOpen.Add(connection);
            Do(Follower.Established(connection));
        }
    }

    private void Do(IReadOnlyList<PairAction<Number>> actions)
    {
        foreach (var (kind, connection) in actions)
        {
            switch (kind)
            {
                case PairActionKind.Choose:
                    HandedOut.Add(connection);
                    After(Delay(), () => Show(connection));
                    break;
                case PairActionKind.Probe:
                    After(Delay() + Delay(), () => Do(Leader.Probed(connection, answered: _leaderOpen.Contains(connection))));
                    break;
                default:
                    Close(connection);
                    break;
            }
        }
    }

    // A stream is delivered when the connection stands at the other side, and not when it has been closed.
    private void Show(Number connection)
    {
        if (_followerOpen.Contains(connection))
        {
            Do(Follower.PeerOpenedStream(connection));
        }
        else if (_leaderOpen.Contains(connection))
        {
            After(0.05, () => Show(connection));
        }
    }

    private void Close(Number connection)
    {
        _closed.Add(connection);
        if (_leaderOpen.Remove(connection))
        {
            Do(Leader.Ended(connection));
        }

        After(Delay(), () =>
        {
            if (_followerOpen.Remove(connection))
            {
                Do(Follower.Ended(connection));
            }
        });
    }

    /// <summary>A connection, compared by reference.</summary>
    internal sealed class Number(int value)
    {
        public int Value { get; } = value;
    }
}
