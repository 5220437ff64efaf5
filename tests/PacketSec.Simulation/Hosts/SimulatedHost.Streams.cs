using PacketSec.Protocol;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Streams;

namespace PacketSec.Simulation.Hosts;

/// <content>What a driver of streams needs of its host.</content>
public sealed partial class SimulatedHost
{
    /// <summary>Builds what a connection may send now, for whatever sessions the peer's machine has, and sends it.</summary>
    /// <param name="peer">Who gets it.</param>
    /// <param name="connection">The connection.</param>
    /// <param name="carrier">The session that sealed last; null when none could.</param>
    /// <param name="payload">A buffer for a packet.</param>
    internal void SendPackets(PeerId peer, ConnectionMachine connection, ref StreamCarrier? carrier, Span<byte> payload)
    {
        if (!_alive || Find(peer) is not { } found)
        {
            return;
        }

        while (true)
        {
            if (found.Machine.SelectCarrier(_world.Now, connection.PathMtu) is not { } session)
            {
                connection.Block();
                carrier = null;
                if (connection.WantsToSend)
                {
                    found.Machine.WantSession(_world.Now);
                }

                break;
            }

            var selected = new StreamCarrier(session.Number, session.Path.Remote, payload.Length + SpecLimits.DatagramOverhead);
            if (carrier != selected)
            {
                connection.SetCarrier(_world.Now, selected);
                carrier = selected;
            }

            if (!connection.TryBuildPacket(_world.Now, payload, out var packet))
            {
                break;
            }

            var path = session.Path;
            var written = found.Machine.SealOn(_world.Now, _aead, session, payload[..packet.Length], _datagram);
            Transmit(path, _datagram.AsSpan(0, written));
        }

        Drain(found);
    }

    /// <summary>Returns the number of the session that the last payload of a peer came on.</summary>
    internal long OpenedOn(PeerId peer) => Find(peer)?.Machine.OpenedOn ?? 0;
}
