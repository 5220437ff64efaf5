using PacketSec.Crypto;
using PacketSec.Protocol.Schemes.MyChips.Tickets;

namespace PacketSec.Protocol.Schemes.MyChips;

/// <summary>What an initiator takes from its ticket into the first message. Owns its copy of the token.</summary>
internal sealed class TicketPass : IDisposable
{
    private readonly SecretKey _token;

    public TicketPass(Ticket ticket)
        : this(ticket.Token, ticket.Conditions.Binding.UserAddress ?? "", ticket.Conditions.Purpose)
    {
    }

    private TicketPass(ReadOnlySpan<byte> token, string userAddress, string purpose)
    {
        _token = new SecretKey(token);
        UserAddress = userAddress;
        Purpose = purpose;
    }

    public ReadOnlySpan<byte> Token => _token.Span;

    public string UserAddress { get; }

    public string Purpose { get; }

    /// <summary>A copy for work on another thread.</summary>
    public TicketPass Copy() => new(Token, UserAddress, Purpose);

    public void Dispose() => _token.Dispose();
}
