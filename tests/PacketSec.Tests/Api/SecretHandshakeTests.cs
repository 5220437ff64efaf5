using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.SecretHandshake;

namespace PacketSec.Tests.Api;

/// <summary><c>secret-handshake-1</c> over real sockets.</summary>
[Collection(SocketsCollection.Name)]
public sealed class SecretHandshakeTests : IDisposable
{
    private const string Name = SecretHandshakeScheme.SchemeName;

    private readonly NetworkKey _key = new([.. Enumerable.Range(1, NetworkKey.Size).Select(i => (byte)i)]);

    public static TheoryData<bool, bool> Ways => new() { { false, false }, { false, true }, { true, false }, { true, true } };

    public void Dispose() => _key.Dispose();

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Two_open_a_channel_and_talk(bool direct, bool network)
    {
        await using var pair = EndpointPair.Bind(o => Options(o, direct, network), o => Options(o, direct, network));
        var (dialled, accepted) = await pair.OpenAsync();
        Assert.Equal((Name, Name), (dialled.Scheme, accepted.Scheme));
        Assert.Equal(direct, dialled.Agreement is null);
        Assert.Equal(pair.Dialler.PeerId, accepted.RemotePeerId);
        dialled.TrySend("there"u8);
        Assert.Equal("there"u8.ToArray(), await accepted.ReceiveOneAsync());
        accepted.TrySend("back"u8);
        Assert.Equal("back"u8.ToArray(), await dialled.ReceiveOneAsync());
    }

    //= spec/secret-handshake.md#one-error
    [Fact]
    public async Task Who_is_refused_who_is_not_of_the_network_and_who_calls_nobody_get_one_error()
    {
        var time = new ManualTimeProvider();
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var refusing = EndpointPair.Bind(
            o => Options(o, direct: true, network: false) with { TimeProvider = time },
            o => Options(o, direct: true, network: false) with { Authorize = (_, _) => Refuse() });
        await using var foreign = EndpointPair.Bind(
            o => Options(o, direct: true, network: false) with { TimeProvider = time }, o => Options(o, direct: true, network: true));
        using var nobody = PacketSecIdentity.Generate();
        var dials = Task.WhenAll(
            Fails(refusing.Dialler.ConnectAsync(refusing.Listener.LocalEndPoint, refusing.Listener.PeerId)),
            Fails(foreign.Dialler.ConnectAsync(foreign.Listener.LocalEndPoint, foreign.Listener.PeerId)),
            Fails(foreign.Dialler.ConnectAsync(refusing.Listener.LocalEndPoint, nobody.PeerId)));
        await asked.Task.WithinCeiling();
        await Until.TrueAsync(() => foreign.Listener.UdpDatagramsReceived > 0 && refusing.Listener.UdpDatagramsReceived > 2);
        await time.AdvanceUntilEndAsync(dials);
        var errors = await dials;
        Assert.All(errors, error => Assert.Equal(PacketSecError.TimedOut, error.Error));
        Assert.Equal((0, 0), (refusing.Listener.GetStatistics().Channels, foreign.Listener.GetStatistics().Channels));

        static async Task<PacketSecException> Fails(Task<PacketSecChannel> dial) => await Assert.ThrowsAsync<PacketSecException>(() => dial);

        ValueTask<bool> Refuse()
        {
            asked.TrySetResult();
            return ValueTask.FromResult(false);
        }
    }

    //= spec/secret-handshake.md#hidden-default
    [Fact]
    public void A_dial_by_this_scheme_alone_hides_the_peer_ID_unless_the_caller_says_otherwise()
    {
        using var identity = PacketSecIdentity.Generate();
        var hiding = new PacketSecEndpointOptions { Identity = identity, Schemes = [Name] };
        Assert.True(hiding.DefaultProposal!.HidePeerId);
        Assert.True(new PacketSecConnectOptions().ToProposal(hiding)!.HidePeerId);
        Assert.False(new PacketSecConnectOptions { HidePeerId = false }.ToProposal(hiding)!.HidePeerId);

        var mixed = hiding with { Schemes = [Name, "p2pke-1"], AllowSchemeMixture = true };
        Assert.False(mixed.DefaultProposal!.HidePeerId);
        Assert.False(new PacketSecConnectOptions().ToProposal(mixed)!.HidePeerId);
        Assert.True(new PacketSecConnectOptions { Schemes = [Name] }.ToProposal(mixed)!.HidePeerId);
    }

    //= spec/secret-handshake.md#dial-key
    [Fact]
    public async Task A_peer_ID_without_a_key_that_can_be_called_is_a_callers_error()
    {
        await using var pair = EndpointPair.Bind(o => Options(o, direct: true, network: false), o => Options(o, direct: true, network: false));
        Assert.True(Protocol.Identity.PeerId.TryRead([0x12, 0x20, .. new byte[32]], out var hashed));
        var error = await Assert.ThrowsAsync<ArgumentException>(() => pair.Dialler.ConnectAsync(pair.Listener.LocalEndPoint, hashed));
        Assert.Contains("Ed25519", error.Message, StringComparison.Ordinal);
    }

    private PacketSecEndpointOptions Options(PacketSecEndpointOptions options, bool direct, bool network) => options with
    {
        Schemes = direct ? [] : [Name],
        DirectScheme = direct ? Name : null,
        NetworkKey = network ? _key : null,
    };
}
