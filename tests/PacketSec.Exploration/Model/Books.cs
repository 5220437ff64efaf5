using PacketSec.Protocol.Negotiation;

namespace PacketSec.Exploration.Model;

/// <summary>A handshake that this side initiates: it waits for its answer, or for another answer.</summary>
/// <param name="Agreement">What it is bound to; null in direct mode.</param>
/// <param name="Keys">Its transcript and ephemeral key.</param>
/// <param name="IsSent">False while the first packet travels inside the proposal only.</param>
/// <param name="ResendAt">When the first packet goes again, while it is not answered.</param>
/// <param name="Answers">How many answers were taken.</param>
/// <param name="Deadline">When it, and the sessions that it leads to, are given up.</param>
internal sealed record Waiting(Agreement? Agreement, Keys Keys, bool IsSent, long ResendAt, int Answers, long Deadline)
{
    public bool IsDue => IsSent && Answers == 0;
}

/// <summary>A session whose finish was sent, and on which nothing has authenticated.</summary>
/// <param name="Agreement">What it is bound to; null in direct mode.</param>
/// <param name="Keys">Its keys.</param>
/// <param name="Repeats">Whether its finish is repeated.</param>
/// <param name="ResendAt">When.</param>
/// <param name="Deadline">When it is given up.</param>
internal sealed record Unconfirmed(Agreement? Agreement, Keys Keys, bool Repeats, long ResendAt, long Deadline);

/// <summary>A handshake that the other side initiates, answered.</summary>
/// <param name="Agreement">What it is bound to; null in direct mode.</param>
/// <param name="Keys">Its keys.</param>
/// <param name="ForgetAt">When it is given up.</param>
/// <param name="IsClosed">Whether the closing message came before the finish, and is held.</param>
internal sealed record Pending(Agreement? Agreement, Keys Keys, long ForgetAt, bool IsClosed);

/// <summary>A confirmed session.</summary>
/// <param name="Agreement">What it is bound to; null in direct mode.</param>
/// <param name="Keys">Its keys.</param>
/// <param name="IsInitiator">Whether this side initiated it.</param>
internal sealed record Established(Agreement? Agreement, Keys Keys, bool IsInitiator);
