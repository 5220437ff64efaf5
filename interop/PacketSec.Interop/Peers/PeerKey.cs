using PacketSec.Protocol.Identity;

namespace PacketSec.Interop.Peers;

/// <summary>An identity that both implementations can take: in memory, and as a PKCS#8 file.</summary>
internal sealed class PeerKey : IDisposable
{
    public PeerKey(string folder, string name)
    {
        Identity = PacketSecIdentity.Generate();
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

    public PeerKey Make(string name)
    {
        var key = new PeerKey(_folder, name);
        _keys.Add(key);
        return key;
    }

    public void Dispose()
    {
        _keys.ForEach(key => key.Dispose());
        Directory.Delete(_folder, recursive: true);
    }
}
