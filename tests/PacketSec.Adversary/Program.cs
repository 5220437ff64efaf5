using System.Diagnostics;
using PacketSec.Adversary.Contestants;
using PacketSec.Adversary.Games;

foreach (var game in AllGames.List)
{
    foreach (var contestant in Schemes.All)
    {
        var started = Stopwatch.GetTimestamp();
        Console.WriteLine($"{game.Play(contestant, 1, game.IsConfirm ? 20 : 8)}  {Stopwatch.GetElapsedTime(started).TotalMilliseconds:F0} ms");
    }
}

return 0;
