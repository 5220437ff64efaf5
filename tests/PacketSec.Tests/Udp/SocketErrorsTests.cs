using System.Net.Sockets;
using PacketSec.Udp;

namespace PacketSec.Tests.Udp;

public sealed class SocketErrorsTests
{
    [Theory]
    [InlineData(SocketError.ConnectionReset)]
    [InlineData(SocketError.ConnectionRefused)]
    [InlineData(SocketError.NetworkReset)]
    public void What_ICMP_says_is_never_the_end_of_a_socket(SocketError error) =>
        Assert.Equal(SocketErrorClass.Unauthenticated, SocketErrors.Classify(error));

    [Fact]
    public void Every_error_has_a_class_and_every_class_a_status()
    {
        foreach (SocketError error in Enum.GetValues<SocketError>())
        {
            SocketErrors.ToSendStatus(SocketErrors.Classify(error));
        }

        foreach (SocketErrorClass error in Enum.GetValues<SocketErrorClass>())
        {
            Assert.Equal(error == SocketErrorClass.None, SocketErrors.ToSendStatus(error) == SendStatus.Sent);
        }
    }

    [Theory]
    [InlineData(90, (int)SendStatus.TooLarge)]
    [InlineData(11, (int)SendStatus.WouldBlock)]
    [InlineData(105, (int)SendStatus.WouldBlock)]
    [InlineData(101, (int)SendStatus.Unreachable)]
    [InlineData(113, (int)SendStatus.Unreachable)]
    [InlineData(1, (int)SendStatus.Unreachable)]
    [InlineData(22, (int)SendStatus.Failed)]
    [InlineData(9, (int)SendStatus.Closed)]
    [InlineData(9999, (int)SendStatus.Failed)]
    public void Error_numbers_of_Linux_become_statuses(int errno, int expected) =>
        Assert.Equal(expected, (int)SocketErrors.ToSendStatus(SocketErrors.ClassifyErrno(errno)));
}
