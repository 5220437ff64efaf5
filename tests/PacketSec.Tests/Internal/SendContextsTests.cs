using PacketSec.Crypto;
using PacketSec.Internal;
using PacketSec.Protocol;
using PacketSec.Protocol.Wire;

namespace PacketSec.Tests.Internal;

public class SendContextsTests
{
    //= spec/sessions.md#key-erasure
    [Fact]
    public void Keys_are_wiped_at_once_where_a_cipher_is_free_and_when_it_comes_back_where_it_is_lent()
    {
        using var contexts = new SendContexts(CryptoProvider.Default);
        var lent = Seal(contexts.Rent());
        var free = Seal(contexts.Rent());
        contexts.Return(free);
        Assert.True(CipherKeys.KeepsSealingKey(free.Aead));

        contexts.ForgetKeys();

        Assert.False(CipherKeys.KeepsSealingKey(free.Aead));
        Assert.True(CipherKeys.KeepsSealingKey(lent.Aead));
        contexts.Return(lent);
        Assert.False(CipherKeys.KeepsSealingKey(lent.Aead));

        // Without an erasure in between a key stays, so that the next packet is cheap.
        var next = Seal(contexts.Rent());
        contexts.Return(next);
        Assert.True(CipherKeys.KeepsSealingKey(next.Aead));
    }

    [Fact]
    public void A_context_is_lent_to_one_at_a_time_and_none_outlives_the_end()
    {
        var contexts = new SendContexts(CryptoProvider.Default);
        var some = Enumerable.Range(0, 100).Select(_ => contexts.Rent()).ToList();
        Assert.Equal(100, some.Distinct().Count());
        some.ForEach(context => Seal(context));
        some.Take(99).ToList().ForEach(contexts.Return);

        contexts.Dispose();
        contexts.Return(some[99]);

        Assert.DoesNotContain(some, context => CipherKeys.KeepsSealingKey(context.Aead));
    }

    private static SendContext Seal(SendContext context)
    {
        context.Aead.Seal(Enumerable.Repeat((byte)7, 32).ToArray(), PacketCounter.FirstData, [1], new byte[1 + SpecLimits.DatagramOverhead]);
        return context;
    }
}
