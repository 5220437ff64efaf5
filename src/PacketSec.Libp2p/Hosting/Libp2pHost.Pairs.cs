using System.Runtime.InteropServices;
using PacketSec.Libp2p.Addresses;
using PacketSec.Libp2p.Transports;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Negotiation;

namespace PacketSec.Libp2p.Hosting;

/// <summary>Dials, and the one connection of each pair.</summary>
public sealed partial class Libp2pHost
{
    /// <summary>
    /// Connects to a peer. Where a connection to it exists, or comes to be in the meantime because the peer dialled too, that one is returned.
    /// </summary>
    /// <param name="address">An address with a peer ID at its end.</param>
    /// <param name="cancellationToken">Gives the dial up.</param>
    /// <exception cref="Libp2pException">
    /// <see cref="Libp2pError.UnsupportedAddress"/>, <see cref="Libp2pError.WrongPeer"/>, <see cref="Libp2pError.Refused"/>,
    /// <see cref="Libp2pError.TimedOut"/>, <see cref="Libp2pError.DialFailed"/> or <see cref="Libp2pError.Closed"/>.
    /// </exception>
    /// <exception cref="ArgumentException">The address is that of this side's own peer ID.</exception>
    /// <exception cref="OperationCanceledException">The dial was given up.</exception>
    public async Task<PeerConnection> DialAsync(Multiaddress address, CancellationToken cancellationToken = default)
    {
        var peer = CheckAddress(address);
        var entry = BeginDial(peer, out var choice);
        try
        {
            if (choice.IsCompleted)
            {
                return await choice.ConfigureAwait(false);
            }

            using var dialling = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, Lifetime);
            var dial = _transport.DialAsync(address, dialling.Token);
            await Task.WhenAny(choice, dial).ConfigureAwait(false);
            if (choice.IsCompleted)
            {
                //= spec/libp2p.md#pair-adopt
                await dialling.CancelAsync().ConfigureAwait(false);
                _ = KeepLateAsync(dial);
                return await choice.ConfigureAwait(false);
            }

            var own = await FinishAsync(peer, dial, entry).ConfigureAwait(false);
            return await WaitForChoiceAsync(entry, own, choice, dialling.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (Lifetime.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new Libp2pException(Libp2pError.Closed, "The host has ended.", e);
        }
        catch (OperationCanceledException e) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(e.Message, e, cancellationToken);
        }
        finally
        {
            EndDial(peer, entry);
        }
    }

    /// <summary>A stream of the peer came on a connection.</summary>
    internal void OnStream(PeerConnection connection)
        => Settle(connection.RemotePeerId, entry => entry.Election.PeerOpenedStream(connection));

    private PeerId CheckAddress(Multiaddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        if (address.PeerId is not { } peer)
        {
            throw new Libp2pException(Libp2pError.UnsupportedAddress, $"{address} names no peer: put /p2p/ and its peer ID behind it.");
        }

        return peer.Equals(PeerId) ? throw new ArgumentException($"{address} is this host's own peer ID.", nameof(address)) : peer;
    }

    private PeerEntry BeginDial(PeerId peer, out Task<PeerConnection> choice)
    {
        PeerConnection? former;
        lock (_gate)
        {
            former = _peers.GetValueOrDefault(peer)?.Election.Chosen;
        }

        // What is over is not handed out, even where its end has not been dealt with yet.
        if (former is { Closed.IsCompleted: true })
        {
            End(former);
        }

        lock (_gate)
        {
            var entry = EntryOf(peer);
            entry.Dials++;
            choice = entry.Choice;
            return entry;
        }
    }

    private void EndDial(PeerId peer, PeerEntry entry)
    {
        lock (_gate)
        {
            entry.Dials--;
            ForgetIfIdle(peer, entry);
        }
    }

    private PeerEntry EntryOf(PeerId peer)
    {
        ref var entry = ref CollectionsMarshal.GetValueRefOrAddDefault(_peers, peer, out _);
        return entry ??= new(LeaderElection.Compare(PeerId.Multihash, peer.Multihash) < 0);
    }

    private void ForgetIfIdle(PeerId peer, PeerEntry entry)
    {
        if (entry.IsIdle)
        {
            _peers.Remove(peer);
        }
    }

    /// <summary>Waits for the own dial. It may fail where a connection that the peer dialled stands already.</summary>
    private async Task<PeerConnection?> FinishAsync(PeerId peer, Task<IConnection> dial, PeerEntry entry)
    {
        IConnection connection;
        try
        {
            connection = await dial.ConfigureAwait(false);
        }
        catch (Libp2pException)
        {
            lock (_gate)
            {
                if (entry.Election.IsEmpty)
                {
                    throw;
                }
            }

            return null;
        }

        //= spec/libp2p.md#dialled-peer
        if (!connection.RemotePeerId.Equals(peer))
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw new Libp2pException(Libp2pError.WrongPeer, $"{connection.RemotePeerId} is where {peer} was dialled.");
        }

        return Establish(connection, dialled: true);
    }

    private async Task<PeerConnection> WaitForChoiceAsync(
        PeerEntry entry, PeerConnection? own, Task<PeerConnection> choice, CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(Options.ChoiceTimeout + Options.ProbeTimeout, Options.TimeProvider, cancellationToken);
        try
        {
            if (own is not null && await Task.WhenAny(choice, own.Closed).WaitAsync(deadline.Token).ConfigureAwait(false) != choice)
            {
                ThrowIfRefused(entry, own, await own.Closed.ConfigureAwait(false));
            }

            return await choice.WaitAsync(deadline.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e)
        {
            throw deadline.Explain(e, "The peer did not choose a connection in time.");
        }
    }

    // One too many is closed too; the words of a close may be lost, so another connection is as good a sign.
    private void ThrowIfRefused(PeerEntry entry, PeerConnection own, ConnectionEnd end)
    {
        lock (_gate)
        {
            if (end.Code == ConnectionCodes.Duplicate || entry.Known.Exists(known => known != own))
            {
                return;
            }
        }

        throw new Libp2pException(Libp2pError.Refused, $"{own.RemotePeerId} closed the connection at once ({end.Cause}, {end.Code}): {end.Reason}");
    }

    // The dial may have succeeded before its cancellation came: then the connection is one of the pair's as any other.
    private async Task KeepLateAsync(Task<IConnection> dial)
    {
        try
        {
            Establish(await dial.ConfigureAwait(false), dialled: true);
        }
        catch (Exception e) when (e is Libp2pException or OperationCanceledException)
        {
            // Nothing is left of the dial, as wished.
        }
    }

    private PeerConnection? Establish(IConnection connection, bool dialled)
    {
        var peer = connection.RemotePeerId;
        var established = new PeerConnection(this, connection);
        bool leads;
        lock (_gate)
        {
            //= spec/libp2p.md#peer-count
            if (!dialled && _peers.Count >= Options.MaxPeers && !_peers.ContainsKey(peer))
            {
                Logger.TooManyPeers(peer, _peers.Count);
                _ = connection.CloseAsync(ConnectionCodes.LimitExceeded, "There are too many peers.").AsTask();
                return null;
            }

            var entry = EntryOf(peer);
            if (entry.Known.Find(known => ReferenceEquals(known.Transport, connection)) is { } known)
            {
                return known;
            }

            entry.Known.Add(established);
            leads = LeaderElection.Compare(PeerId.Multihash, peer.Multihash) < 0;
        }

        Settle(peer, entry => entry.Election.Established(established));
        _ = RunAsync(established);
        if (!leads)
        {
            _ = WatchChoiceAsync(established);
        }

        return established;
    }

    private async Task RunAsync(PeerConnection connection)
    {
        await connection.RunAsync().ConfigureAwait(false);
        await connection.Closed.ConfigureAwait(false);
        End(connection);
    }

    private void End(PeerConnection connection) => Settle(connection.RemotePeerId, entry =>
    {
        entry.Known.Remove(connection);
        if (ReferenceEquals(entry.Election.Chosen, connection))
        {
            entry.Unchoose();
        }

        return entry.Election.Ended(connection);
    });

    private async Task WatchChoiceAsync(PeerConnection connection)
    {
        using var deadline = new Deadline(Options.ChoiceTimeout, Options.TimeProvider, Lifetime);
        try
        {
            await connection.Closed.WaitAsync(deadline.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!Lifetime.IsCancellationRequested)
        {
            Settle(connection.RemotePeerId, entry => entry.Election.NotShown(connection));
        }
        catch (OperationCanceledException)
        {
            // The host ends, and the connection with it.
        }
    }

    /// <summary>Tells the election of a pair something, and does what follows.</summary>
    private void Settle(PeerId peer, Func<PeerEntry, IReadOnlyList<PairAction<PeerConnection>>> tell)
    {
        IReadOnlyList<PairAction<PeerConnection>> actions;
        lock (_gate)
        {
            if (!_peers.TryGetValue(peer, out var entry))
            {
                return;
            }

            actions = tell(entry);
            foreach (var action in actions)
            {
                if (action.Kind == PairActionKind.Choose)
                {
                    entry.Choose(action.Connection);
                }
            }

            ForgetIfIdle(peer, entry);
        }

        foreach (var action in actions)
        {
            switch (action.Kind)
            {
                case PairActionKind.Choose:
                    _ = BeginAsync(action.Connection);
                    break;
                case PairActionKind.Refuse:
                    Logger.Duplicate(peer);
                    _ = action.Connection.CloseAsync(ConnectionCodes.Duplicate, "Another connection is the one that stays.").AsTask();
                    break;
                default:
                    _ = ProbeAsync(action.Connection);
                    break;
            }
        }
    }

    /// <summary>Begins to use the connection of a pair. The first stream of the leader shows its choice, so it asks at once.</summary>
    //= spec/libp2p.md#pair-show
    private async Task BeginAsync(PeerConnection connection)
    {
        var identified = IdentifyAsync(connection);
        await Task.Yield();
        try
        {
            Connected?.Invoke(this, connection);
        }
        catch (Exception e)
        {
            Logger.ListenerFailed(e);
        }

        await identified.ConfigureAwait(false);
    }

    private async Task IdentifyAsync(PeerConnection connection)
    {
        try
        {
            await connection.IdentifyAsync(Lifetime).ConfigureAwait(false);
        }
        catch (Exception e) when (e is Libp2pException or OperationCanceledException)
        {
            Logger.NotIdentified(connection.RemotePeerId, e.Message);
        }
    }

    private async Task ProbeAsync(PeerConnection connection)
    {
        var answered = true;
        using var deadline = new Deadline(Options.ProbeTimeout, Options.TimeProvider, Lifetime);
        try
        {
            await connection.PingAsync(deadline.Token).ConfigureAwait(false);
        }
        catch (Libp2pException e)
        {
            // A peer that does not know of pings, or echoes something else, is there.
            answered = e.Error is Libp2pError.NoCommonProtocol or Libp2pError.Malformed or Libp2pError.StreamReset;
        }
        catch (OperationCanceledException)
        {
            answered = false;
        }

        Settle(connection.RemotePeerId, entry => entry.Election.Probed(connection, answered));
    }
}
