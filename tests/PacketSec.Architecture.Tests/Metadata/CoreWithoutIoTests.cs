using System.Net.Sockets;
using Mono.Cecil;
using PacketSec.Architecture.Tests.Repository;

namespace PacketSec.Architecture.Tests.Metadata;

public class CoreWithoutIoTests
{
    [Theory]
    [InlineData("PacketSec.Crypto")]
    [InlineData("PacketSec.Noise")]
    [InlineData("PacketSec.Protocol")]
    public void A_core_assembly_names_no_clock_task_thread_lock_socket_file_or_randomness(string assembly)
        => Findings.None(ForbiddenUses.In(BuiltAssembly.Named(assembly)));

    [Theory]
    [InlineData("System.Net.Sockets.Socket", nameof(Specimens))]
    [InlineData("System.Threading.Tasks.Task", nameof(Specimens))]
    [InlineData("System.Threading.Lock", nameof(Specimens))]
    [InlineData("System.Threading.Monitor", nameof(Specimens))]
    [InlineData("System.TimeProvider", nameof(Specimens))]
    [InlineData("System.Random", nameof(Specimens))]
    [InlineData("System.DateTime.get_UtcNow", nameof(Specimens))]
    [InlineData("System.Environment.get_TickCount64", nameof(Specimens))]
    [InlineData("System.Guid.NewGuid", nameof(Specimens))]
    public void The_scan_sees_what_it_looks_for(string forbidden, string where)
    {
        using var own = ModuleDefinition.ReadModule(typeof(Specimens).Assembly.Location);

        Assert.Contains(
            ForbiddenUses.In(own),
            found => found.StartsWith(forbidden + " in ", StringComparison.Ordinal) && found.Contains(where, StringComparison.Ordinal));
    }

    [Fact]
    public void The_scan_lets_atomic_operations_and_addresses_pass()
    {
        using var own = ModuleDefinition.ReadModule(typeof(Specimens).Assembly.Location);
        var found = ForbiddenUses.In(own).ToList();

        Assert.Contains(own.GetTypeReferences(), type => type.FullName == "System.Threading.Interlocked");
        Assert.Contains(own.GetTypeReferences(), type => type.FullName == "System.Net.Sockets.AddressFamily");
        Assert.DoesNotContain(found, use => use.StartsWith("System.Threading.Interlocked ", StringComparison.Ordinal));
        Assert.DoesNotContain(found, use => use.StartsWith("System.Net.Sockets.AddressFamily ", StringComparison.Ordinal));
    }

    /// <summary>One of each: as a field that nothing reads, a local, a statement and a call.</summary>
    private sealed class Specimens
    {
        private readonly object _gate = new();
        private int _count;

        public Socket? Field { get; set; }

        public Lock? Gate { get; set; }

        public Task? Pending { get; set; }

        public AddressFamily Family { get; set; }

        public long Use()
        {
            TimeProvider? clock = null;
            Random? random = null;
            lock (_gate)
            {
                var label = (clock, random, Guid.NewGuid()).ToString();
                return label.Length + DateTime.UtcNow.Ticks + Environment.TickCount64 + Interlocked.Increment(ref _count);
            }
        }
    }
}
