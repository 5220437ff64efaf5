using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using PacketSec.Crypto;
using PacketSec.Protocol;
using PacketSec.Protocol.Identity;
using PacketSec.Protocol.Schemes;
using PacketSec.Protocol.Schemes.SecretHandshake;
using PacketSec.Protocol.Wire.SecretHandshake;
using static PacketSec.Core.Tests.Schemes.SecretHandshake.ProcessMemory;

namespace PacketSec.Core.Tests.Schemes.SecretHandshake;

/// <summary>Looks for keys in the whole memory of the process, before and after they should be gone.</summary>
public sealed class ErasureTests
{
    //= spec/secret-handshake.md#minute-keys
    [ProcessMemoryFact]
    public void The_keys_of_a_minute_are_nowhere_in_memory_120_s_after_they_were_made()
    {
        var (ephemeralKey, macKey) = (MaskedSecret.New(), MaskedSecret.New());
        var now = new Instant(1_000_000_000_000);
        using var keys = new MinuteKeys(CryptoProvider.Default, new SecretSource(ephemeralKey, macKey));
        Answer(keys, now);
        Assert.True(Count(ephemeralKey) > 0 && Count(macKey) > 0);
        keys.Rotate(now + TimeSpan.FromSeconds(120) + TimeSpan.FromTicks(-1));
        Assert.True(Count(ephemeralKey) > 0 && Count(macKey) > 0);
        keys.Rotate(now + TimeSpan.FromSeconds(120));
        Assert.Equal((0, 0), (Count(ephemeralKey), Count(macKey)));
    }

    [ProcessMemoryFact]
    public void The_keys_of_a_minute_go_with_their_owner()
    {
        var (ephemeralKey, macKey) = (MaskedSecret.New(), MaskedSecret.New());
        var keys = new MinuteKeys(CryptoProvider.Default, new SecretSource(ephemeralKey, macKey));
        Answer(keys, new Instant(0));
        Assert.True(Count(ephemeralKey) > 0 && Count(macKey) > 0);
        keys.Dispose();
        Assert.Equal((0, 0), (Count(ephemeralKey), Count(macKey)));
    }

    [ProcessMemoryFact]
    public void The_ephemeral_key_of_a_caller_is_gone_when_message_3_is_made_and_the_responders_when_its_work_is_done()
    {
        foreach (var crypto in CryptoProvider.Available)
        {
            var ephemeral = MaskedSecret.New();
            using var rig = new HandshakeRig(crypto);
            var caller = new SecretHandshakeContext(new SchemeContext(crypto, new SecretSource(ephemeral), rig.InitiatorIdentity));
            Assert.Equal((true, 0, 0), Run(rig, caller, ephemeral));
        }
    }

    [ProcessMemoryFact]
    public void The_secret_scalar_of_an_identity_goes_with_it()
    {
        foreach (var crypto in CryptoProvider.Available)
        {
            var (identity, scalar) = NewIdentity(crypto);
            Assert.True(Count(scalar) > 0 || crypto != CryptoProvider.OpenSsl);
            identity.Dispose();
            Assert.Equal(0, Count(scalar));
        }
    }

    [ProcessMemoryFact]
    public void A_network_key_goes_with_its_owner()
    {
        var secret = MaskedSecret.New();
        var key = NewNetwork(secret);
        Assert.True(Count(secret) > 0);
        UseNetwork(key);
        key.Dispose();
        Assert.Equal(0, Count(secret));
    }

    // Helpers have frames of their own, whose leavings the next call overwrites or the code under test has wiped.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Answer(MinuteKeys keys, Instant now)
    {
        Span<byte> seed = stackalloc byte[MinuteKeys.SeedSize];
        keys.Answer(now, new Caller(default, new byte[32], new byte[32], new byte[32]), new byte[Message2.CookieSize], seed);
        seed.Clear();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (bool FoundBefore, int Ephemeral, int Derived) Run(HandshakeRig rig, SecretHandshakeContext caller, MaskedSecret ephemeral)
    {
        var call = new CallWork(caller, rig.Callee);
        call.Run();
        var noise = call.TakeNoise();
        var derived = Answer(rig, call.FirstMessage, out var message2);
        var foundBefore = rig.Crypto != CryptoProvider.OpenSsl || Count(ephemeral) > 0;
        using var finish = rig.NewFinish(caller, noise, message2);
        finish.Run();
        using var accept = rig.Accept(finish.Finish)!;
        Assert.Equal(DropReason.None, accept.Outcome);
        finish.Dispose();
        accept.Dispose();
        return (foundBefore, Count(ephemeral), Count(derived));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static MaskedSecret Answer(HandshakeRig rig, byte[] message1, out byte[] message2)
    {
        message2 = rig.Answer(message1);
        Span<byte> seed = stackalloc byte[MinuteKeys.SeedSize];
        var caller = new Caller(HandshakeRig.CallerAddress, message1.AsSpan(4, 32), rig.Responder.Transcript(null), rig.Responder.Network);
        Assert.True(rig.Minutes.TryCheck(rig.Now, caller, message2.AsSpan(44, 36), seed, out _));
        return MaskedSecret.From(seed);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (IdentityKey Identity, MaskedSecret Scalar) NewIdentity(ICryptoProvider crypto)
    {
        Span<byte> seed = stackalloc byte[32];
        Span<byte> hash = stackalloc byte[64];
        RandomNumberGenerator.Fill(seed);
        crypto.Hash(PacketSec.Crypto.HashAlgorithm.Sha512, seed, default, hash);
        var identity = IdentityKey.FromSeed(seed, crypto);
        var scalar = MaskedSecret.From(hash[..32]);
        CryptographicOperations.ZeroMemory(hash);
        CryptographicOperations.ZeroMemory(seed);
        return (identity, scalar);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static NetworkKey NewNetwork(MaskedSecret secret)
    {
        Span<byte> bytes = stackalloc byte[32];
        secret.Reveal(bytes);
        var key = new NetworkKey(bytes);
        CryptographicOperations.ZeroMemory(bytes);
        return key;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void UseNetwork(NetworkKey key)
    {
        using var identity = IdentityKey.FromSeed(HandshakeRig.Seed(1), CryptoProvider.Default);
        var context = new SecretHandshakeContext(new SchemeContext(CryptoProvider.Default, new ScriptedRandom(1), identity, key));
        Assert.False(context.IsOfNetwork(context.Network, default, new byte[16]));
    }
}
