using PacketSec.Crypto;
using PacketSec.Protocol;
using PacketSec.Simulation.Network;
using PacketSec.Simulation.Reference;

namespace PacketSec.Simulation.Tests.Reference;

/// <summary>The model must have the faults that it is there for; a robust model would prove nothing about what lives with it.</summary>
public sealed class SimulatedReferenceTests : IDisposable
{
    private static readonly NetworkAddress A = Addresses.Host(1);
    private static readonly NetworkAddress B = Addresses.Host(2);
    private static readonly NetworkAddress Stranger = Addresses.Host(3);

    private readonly World _world = new(1);
    private readonly SimulatedReference _a;
    private readonly SimulatedReference _b;
    private readonly List<int> _atA = [];
    private readonly List<int> _atB = [];

    public SimulatedReferenceTests()
    {
        _world.Network.Conditions = new() { Latency = TimeSpan.FromMilliseconds(25) };
        _a = new(_world, CryptoProvider.Default, A, "a") { PayloadReceived = (_, payload) => _atA.Add(payload[0]) };
        _b = new(_world, CryptoProvider.Default, B, "b") { PayloadReceived = (_, payload) => _atB.Add(payload[0]) };
        _a.Dial(B, _b.PublicKey);
    }

    public void Dispose()
    {
        _a.Dispose();
        _b.Dispose();
    }

    [Fact]
    public void Two_references_talk_and_an_answer_makes_a_second_handshake()
    {
        _a.Send(B, [1]);
        _world.RunFor(TimeSpan.FromSeconds(1));
        Assert.Equal([1], _atB);
        Assert.False(_b.ChannelOf(A)!.IsOutboundReady);

        _b.Send(A, [2]);
        _world.RunFor(TimeSpan.FromSeconds(1));
        Assert.Equal([2], _atA);
        Assert.True(_b.ChannelOf(A)!.IsOutboundReady);
        Assert.Null(_a.Death ?? _b.Death);
    }

    [Fact]
    public void Empty_messages_vanish()
    {
        _a.Send(B, [1]);
        _a.Send(B, []);
        _world.RunFor(TimeSpan.FromSeconds(1));
        Assert.Equal([1], _atB);
    }

    [Theory]
    [InlineData(60_000, true)]
    [InlineData(60_001, false)]
    public void A_session_sends_until_60_s_after_its_creation_and_is_never_renewed(int milliseconds, bool sends)
    {
        _a.Send(B, [1]);
        _world.RunFor(TimeSpan.FromMilliseconds(milliseconds));
        Assert.Equal(sends, _a.Send(B, [2]));
        Assert.Equal(sends ? 0 : 1, _a.ExpiredSends);
        Assert.True(_a.ChannelOf(B)!.IsReady);
    }

    [Fact]
    public void A_lost_RespHello_blocks_it_for_good()
    {
        var lost = 0;
        _world.Network.AddTap((in datagram) => Header.IsRespHello(datagram.Bytes) && lost++ == 0 ? TapVerdict.Drop : TapVerdict.Pass);
        _a.Send(B, [1]);
        _world.RunFor(TimeSpan.FromSeconds(30));
        Assert.Empty(_atB);
        Assert.Equal(1, _a.ChannelOf(B)!.Waiting);
        Assert.Equal(1, lost);
    }

    [Fact]
    public void A_lost_InitDone_followed_by_data_kills_it()
    {
        _world.Network.AddTap((in datagram) => Header.IsInitDone(datagram.Bytes) ? TapVerdict.Drop : TapVerdict.Pass);
        _a.Send(B, [1]);
        _world.RunFor(TimeSpan.FromSeconds(1));
        Assert.Contains("not ready", _b.Death, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("00000010")]
    [InlineData("80000010")]
    public void One_spoofed_header_of_data_kills_it(string datagram)
    {
        _world.Network.Inject(Stranger, B, Convert.FromHexString(datagram));
        _world.RunFor(TimeSpan.FromSeconds(1));
        Assert.NotNull(_b.Death);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Data_ahead_of_its_InitDone_is_survived_while_the_stack_lasts(bool inTime)
    {
        _b.StackLasts = TimeSpan.FromMilliseconds(700);
        var done = Array.Empty<byte>();
        _world.Network.AddTap((in datagram) =>
        {
            if (!Header.IsInitDone(datagram.Bytes))
            {
                return TapVerdict.Pass;
            }

            done = datagram.Bytes.ToArray();
            return TapVerdict.Drop;
        });
        _a.Send(B, [1]);
        _world.RunFor(TimeSpan.FromMilliseconds(inTime ? 600 : 900));
        _world.Network.Inject(A, B, done);
        _world.RunFor(TimeSpan.FromSeconds(1));
        Assert.Equal(inTime, _b.Death is null);
        Assert.Equal(inTime ? [1] : [], _atB);
    }

    [Fact]
    public void A_bare_header_of_an_InitHello_cuts_the_live_session()
    {
        _a.Send(B, [1]);
        _world.RunFor(TimeSpan.FromSeconds(1));
        _world.Network.Inject(A, B, [0, 0, 0, 0]);
        _world.RunFor(TimeSpan.FromSeconds(1));
        Assert.False(_b.ChannelOf(A)!.IsReady);
        _a.Send(B, [2]);
        _world.RunFor(TimeSpan.FromSeconds(1));
        Assert.NotNull(_b.Death);
    }

    [Fact]
    public void Bare_headers_draw_handshake_messages()
    {
        var record = new RecordingTap();
        _world.Network.AddTap(record);
        _world.Network.Inject(Stranger, B, [0x80, 0, 0, 0]);
        _world.RunFor(TimeSpan.FromSeconds(1));
        var drawn = Assert.Single(record.Datagrams);
        Assert.Equal((Header.InitHello, 190), (drawn.Word, drawn.Bytes.Length));
    }

    [Fact]
    public void An_unexpected_key_resets_the_half_and_draws_no_InitDone()
    {
        var record = new RecordingTap();
        _world.Network.AddTap(record);
        using var other = new SimulatedReference(_world, CryptoProvider.Default, Stranger);
        other.Dial(B, _a.PublicKey);
        other.Send(B, [1]);
        _world.RunFor(TimeSpan.FromSeconds(1));
        Assert.DoesNotContain(record.Datagrams, datagram => datagram.Word == Header.InitDone);
        Assert.True(other.Errors > 0);
        Assert.Empty(_atB);
    }
}
