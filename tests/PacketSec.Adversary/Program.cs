using System.Diagnostics;
using PacketSec.Adversary.Controls;
using PacketSec.Adversary.Games;

foreach (var game in AllGames.List)
{
    foreach (var contestant in AllControls.Of[game.Name])
    {
        var started = Stopwatch.GetTimestamp();
        Console.WriteLine($"{game.Play(contestant, 1, game.IsConfirm ? 100 : 8)}  {Stopwatch.GetElapsedTime(started).TotalMilliseconds:F0} ms");
    }
}

return 0;
