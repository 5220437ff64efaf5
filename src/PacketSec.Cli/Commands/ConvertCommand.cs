using System.CommandLine;

namespace PacketSec.Cli.Commands;

/// <summary><c>psec convert IN OUT</c>: imports and exports keys, by writing them in another format.</summary>
internal static class ConvertCommand
{
    public static Command Create(CliContext context)
    {
        var source = new Argument<string>("IN") { Description = "A private key file in any format: PKCS#8 (PEM or DER) or libp2p's protobuf." };
        var target = new Argument<string>("OUT") { Description = "The file to write. Only its owner can read it." };
        var force = new Option<bool>("--force") { Description = "Replace OUT if it exists." };
        var format = KeyFormatOption.Create(
            "pkcs8 (PEM) or libp2p (binary protobuf) for the private key, x509 (PEM) for the public key alone.",
            KeyFormatOption.Pkcs8,
            KeyFormatOption.Libp2p,
            KeyFormatOption.X509);
        var command = new Command("convert", "Write a key in another format and print its peer ID.") { source, target, force, format };
        command.SetAction(parsed =>
        {
            using var identity = KeyFiles.Load(parsed.GetRequiredValue(source));
            var path = parsed.GetRequiredValue(target);
            if (parsed.GetRequiredValue(format) == KeyFormatOption.X509)
            {
                KeyFiles.SavePublic(identity.PublicKey, path, parsed.GetValue(force));
            }
            else
            {
                KeyFiles.Save(identity, path, KeyFormatOption.ToPrivate(parsed.GetRequiredValue(format)), parsed.GetValue(force));
            }

            IdCommand.Print(context, identity.PublicKey, path, parsed.GetValue(context.Json));
            return ExitCodes.Success;
        });
        return command;
    }
}
