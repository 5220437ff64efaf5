namespace PacketSec.Libp2p.Hosting;

/// <summary>What a host has of one peer. Guarded by the host's gate.</summary>
internal sealed class PeerEntry(bool leads)
{
    private TaskCompletionSource<PeerConnection> _choice = NewChoice();

    public PairElection<PeerConnection> Election { get; } = new(leads);

    /// <summary>Gets all connections to the peer that are not over.</summary>
    public List<PeerConnection> Known { get; } = [];

    /// <summary>Gets or sets how many dials run.</summary>
    public int Dials { get; set; }

    /// <summary>Gets the task that completes when a connection is chosen.</summary>
    public Task<PeerConnection> Choice => _choice.Task;

    public bool IsIdle => Dials == 0 && Known.Count == 0 && Election.IsEmpty;

    /// <summary>Hands the chosen connection to all who wait for it.</summary>
    public void Choose(PeerConnection connection)
    {
        if (_choice.Task.IsCompleted)
        {
            Unchoose();
        }

        _choice.SetResult(connection);
    }

    /// <summary>Lets later dials wait for another connection.</summary>
    public void Unchoose() => _choice = NewChoice();

    private static TaskCompletionSource<PeerConnection> NewChoice() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
