using System.CommandLine;
using PacketSec.Crypto;
using PacketSec.Protocol.Identity;

namespace PacketSec.Cli.Commands;

/// <summary><c>psec id FILE</c>: prints who a key is.</summary>
internal static class IdCommand
{
    public static Command Create(CliContext context)
    {
        var file = new Argument<string>("FILE") { Description = "A private key file, or a public key in X.509 (PEM or DER)." };
        var command = new Command("id", "Print the peer ID of a key; with --json its other forms too.") { file };
        command.SetAction(parsed =>
        {
            var path = parsed.GetRequiredValue(file);
            Print(context, KeyFiles.LoadPublic(path), path, parsed.GetValue(context.Json));
            return ExitCodes.Success;
        });
        return command;
    }

    /// <summary>Prints a key's peer ID, or as JSON all its forms: X.509 is DER in base64.</summary>
    public static void Print(CliContext context, PublicKey key, string path, bool json)
    {
        var id = PeerId.FromPublicKey(key, CryptoProvider.Default);
        if (!json)
        {
            context.Output.WriteLine(id);
            return;
        }

        context.PrintJson("identity", line =>
        {
            line.WriteString("file", path);
            line.WriteString("key_type", key.Type switch
            {
                PublicKeyType.Ed25519 => "ed25519",
                PublicKeyType.EcdsaP256 => "ecdsa-p256",
                PublicKeyType.Rsa => "rsa",
            });
            line.WriteString("peer_id", id.ToString());
            line.WriteString("cid", id.ToCidString());
            line.WriteString("p2pke_id", P2pkePeerId.FromPublicKey(key, CryptoProvider.Default).ToString());
            line.WriteBase64String("x509", key.PublicKeyInfo);
        });
    }
}
