namespace PacketSec.Tests.Api;

/// <summary>Waits for counters, which have no event.</summary>
internal static class Until
{
    public static async Task TrueAsync(Func<bool> condition)
    {
        using var ceiling = EndpointPair.Ceiling();
        while (!condition())
        {
            await Task.Delay(5, ceiling.Token);
        }
    }
}
