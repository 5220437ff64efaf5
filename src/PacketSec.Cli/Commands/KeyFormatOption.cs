using System.CommandLine;

namespace PacketSec.Cli.Commands;

/// <summary>The option <c>--format</c> of the commands that write keys.</summary>
internal static class KeyFormatOption
{
    public const string Pkcs8 = "pkcs8";
    public const string Libp2p = "libp2p";
    public const string X509 = "x509";

    public static Option<string> Create(string description, params string[] formats)
    {
        var option = new Option<string>("--format") { Description = description, DefaultValueFactory = _ => formats[0] };
        option.AcceptOnlyFromAmong(formats);
        return option;
    }

    public static KeyFileFormat ToPrivate(string format) => format == Libp2p ? KeyFileFormat.Libp2p : KeyFileFormat.Pkcs8;
}
