namespace PacketSec.Adversary.Games;

/// <summary>All games, in the order of the properties.</summary>
internal static class AllGames
{
    public static IReadOnlyList<Game> List { get; } =
    [
        .. SecrecyGames.All.Concat(AuthenticationGames.All).Concat(ReplayGames.All).Concat(MiddleGames.All).Concat(StrangerGames.All)
            .Concat(EavesdropperGames.All).Concat(WrongNumberGames.All).OrderBy(game => game.Row).ThenBy(game => game.Name, StringComparer.Ordinal),
    ];
}
