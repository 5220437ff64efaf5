using PacketSec.Adversary.Contestants;
using PacketSec.Adversary.Parties;
using PacketSec.Crypto;
using PacketSec.Simulation.Network;

namespace PacketSec.Adversary.Tools;

/// <summary>What an adversary makes of a recording, with candidates for one of the keys and with the private keys that he has.</summary>
internal sealed class Clues
{
    // Codes under public keys stand in the first packet if anywhere; those under other keys cannot be told from noise.
    private const int PacketsWithCodes = 1;

    private readonly Contestant _contestant;
    private readonly IReadOnlyList<RecordedDatagram> _recording;
    private readonly X25519PrivateKey[] _secrets;
    private readonly NoiseReader _reader;
    private readonly NoiseView[] _views;

    public Clues(Contestant contestant, IReadOnlyList<RecordedDatagram> recording, IEnumerable<byte[]> secrets)
    {
        _contestant = contestant;
        _recording = recording;
        _secrets = [.. secrets.Select(secret => CryptoProvider.Default.ImportX25519PrivateKey(secret))];
        _reader = new(_secrets);
        _views = [.. contestant.Views(recording)];
    }

    /// <summary>Tries the candidates for the client.</summary>
    public string Clients(IReadOnlyList<Face> candidates, IReadOnlyList<Face> servers)
        => Compare(candidates, candidate => servers.Select(server => (Client: candidate, Server: server)));

    /// <summary>Tries the candidates for the server.</summary>
    public string Servers(IReadOnlyList<Face> candidates, IReadOnlyList<Face> clients)
        => Compare(candidates, candidate => clients.Select(client => (Client: client, Server: candidate)));

    private string Compare(IReadOnlyList<Face> candidates, Func<Face, IEnumerable<(Face Client, Face Server)>> pairs)
        => string.Join(' ', candidates.Select(candidate =>
        {
            var search = candidate.Search;
            var found = _recording.Any(datagram => search.Finds(datagram.Bytes));
            var coded = FirstPackets().Any(search.FindsCode);
            var (decrypted, named, confirmed) = (0, false, false);
            foreach (var (client, server) in pairs(candidate))
            {
                confirmed |= _contestant.Confirms(_recording, _secrets, client, server);
                foreach (var view in _views)
                {
                    var reading = _reader.Read(view, client, server);
                    decrypted = Math.Max(decrypted, reading.Decrypted.Count);
                    named |= reading.Plaintexts.Any(plaintext => search.Finds(plaintext));
                }
            }

            return $"{(found ? 'f' : '-')}{(coded ? 'c' : '-')}{decrypted}{(named ? 'n' : '-')}{(confirmed ? 'y' : '-')}";
        }));

    private IEnumerable<byte[]> FirstPackets()
        => _recording.GroupBy(datagram => datagram.From).SelectMany(packets => packets.Select(datagram => datagram.Bytes).Take(PacketsWithCodes));
}
