using System.Buffers.Binary;
using PacketSec.Interop.Cells;
using PacketSec.Interop.Peers;

namespace PacketSec.Tests.Interop;

public class CellTests
{
    private static readonly IReadOnlyList<Cell> Cells = Catalogue.All(new CSharpPeers(), new GoPeers("psec-go"));

    [Fact]
    public void Each_cell_has_a_name_of_its_own()
        => Assert.Equal(Cells.Count, Cells.Select(cell => cell.Name).Distinct().Count());

    [Fact]
    public void What_runs_in_direct_mode_runs_by_negotiation_too()
    {
        var names = Cells.Select(cell => cell.Name).ToHashSet();
        // A negotiation answers whoever proposes: that a stranger hears nothing can be seen without it only.
        var direct = names.Where(name => name.Contains("/direct/") && !name.Contains("/secret-stranger/")).ToList();

        Assert.NotEmpty(direct);
        Assert.All(direct, name => Assert.Contains(name.Replace("/direct/", "/"), names));
    }

    [Theory]
    [InlineData(0, 16)]
    [InlineData(7, 16)]
    [InlineData(48, 16)]
    [InlineData(1000, 16)]
    [InlineData(1000, 1)]
    public void All_runs_are_shared_out_evenly(int runs, int cells)
    {
        var shares = Meetings.Share(runs, cells).ToList();

        Assert.Equal((cells, runs), (shares.Count, shares.Sum()));
        Assert.InRange(shares.Max() - shares.Min(), 0, 1);
    }

    [Fact]
    public void A_key_is_a_function_of_its_seed()
    {
        using var keys = new KeyRing();

        Assert.Equal(keys.Make("one", 7).Id, keys.Make("two", 7).Id);
        Assert.NotEqual(keys.Make("three", 7).Id, keys.Make("four", 8).Id);
        Assert.NotEqual(keys.Make("five").Id, keys.Make("six").Id);
    }

    [Fact]
    public void Marked_datagrams_are_told_by_their_content()
    {
        byte[] mark = [1, 2, 3, 4, 5, 6, 7, 8];
        var ledger = new EchoLedger(32, TimeSpan.FromHours(1), mark);
        var datagram = new byte[32];
        ledger.MakeNext(datagram);

        Assert.Equal(0, BinaryPrimitives.ReadInt64BigEndian(datagram));
        Assert.Equal(mark, datagram[8..16]);
        ledger.OnReceived(datagram);
        Assert.Equal((1, 0, 0), (ledger.Echoed, ledger.Duplicated, ledger.Foreign));
        ledger.OnReceived(datagram);
        datagram[15] ^= 1;
        ledger.OnReceived(datagram);
        Assert.Equal((1, 1, 1), (ledger.Echoed, ledger.Duplicated, ledger.Foreign));
    }
}
