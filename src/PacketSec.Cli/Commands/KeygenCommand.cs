using System.CommandLine;

namespace PacketSec.Cli.Commands;

/// <summary><c>psec keygen FILE</c>: makes an identity.</summary>
internal static class KeygenCommand
{
    public static Command Create(CliContext context)
    {
        var file = new Argument<string>("FILE") { Description = "The file to write. Only its owner can read it." };
        var force = new Option<bool>("--force") { Description = "Replace the file if it exists. The key in it is lost." };
        var format = KeyFormatOption.Create(
            "pkcs8 (PEM, as openssl pkey reads it) or libp2p (binary protobuf).", KeyFormatOption.Pkcs8, KeyFormatOption.Libp2p);
        var command = new Command("keygen", "Make a new Ed25519 identity and print its peer ID.") { file, force, format };
        command.SetAction(parsed =>
        {
            using var identity = PacketSecIdentity.Generate();
            var path = parsed.GetRequiredValue(file);
            KeyFiles.Save(identity, path, KeyFormatOption.ToPrivate(parsed.GetRequiredValue(format)), parsed.GetValue(force));
            IdCommand.Print(context, identity.PublicKey, path, parsed.GetValue(context.Json));
            return ExitCodes.Success;
        });
        return command;
    }
}
