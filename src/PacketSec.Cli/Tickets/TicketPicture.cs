using QRCoder;
using QRCoder.Exceptions;

namespace PacketSec.Cli.Tickets;

/// <summary>
/// A ticket's link as a QR code of half blocks, two rows of the code in one line. What is light in the code is drawn, for terminals with a dark ground.
/// </summary>
internal static class TicketPicture
{
    /// <summary>Makes the picture.</summary>
    /// <param name="link">The link.</param>
    /// <exception cref="CliException">It is too long for a QR code.</exception>
    public static string Of(string link)
    {
        try
        {
            using var data = QRCodeGenerator.GenerateQrCode(link, QRCodeGenerator.ECCLevel.L);
            using var code = new AsciiQRCode(data);
            return code.GetGraphicSmall(drawQuietZones: true, invert: false, endOfLine: "\n");
        }
        catch (DataTooLongException error)
        {
            throw new CliException(ExitCodes.Usage, "The ticket is too long for a QR code: give it fewer or shorter addresses, or leave --qr out.", error);
        }
    }
}
