using PacketSec.Protocol.Identity;
using PacketSec.Simulation;

namespace PacketSec.Interop.Peers;

/// <summary>An identity that both implementations can take: in memory, and as a PKCS#8 file.</summary>
internal sealed class PeerKey : IDisposable
{
    private const int KeySize = 32;

    // RFC 8410, section 7: an Ed25519 key of 32 bytes follows.
    private static readonly byte[] Pkcs8Prefix = Convert.FromHexString("302e020100300506032b657004220420");

    public PeerKey(string folder, string name, ulong? seed)
    {
        Identity = seed is { } known
            ? PacketSecIdentity.Import([.. Pkcs8Prefix, .. new DeterministicRandom(known).NextBytes(KeySize)])
            : PacketSecIdentity.Generate();
        Path = System.IO.Path.Combine(folder, name + ".pem");
        Identity.Save(Path);
    }

    public PacketSecIdentity Identity { get; }

    public string Path { get; }

    public PeerId Id => Identity.PeerId;

    public void Dispose() => Identity.Dispose();
}

/// <summary>The keys of one cell, in a folder of their own that goes away with it.</summary>
internal sealed class KeyRing : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("packetsec-interop-").FullName;
    private readonly List<PeerKey> _keys = [];

    /// <summary>Makes a key.</summary>
    /// <param name="name">Its name in the folder.</param>
    /// <param name="seed">What it is a function of, where it decides how a run goes; null draws one.</param>
    public PeerKey Make(string name, ulong? seed = null)
    {
        var key = new PeerKey(_folder, name, seed);
        _keys.Add(key);
        return key;
    }

    public void Dispose()
    {
        _keys.ForEach(key => key.Dispose());
        Directory.Delete(_folder, recursive: true);
    }
}
