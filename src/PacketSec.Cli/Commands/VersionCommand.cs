using System.CommandLine;
using System.Diagnostics;
using System.Reflection;
using System.Runtime.InteropServices;
using PacketSec.Crypto;

namespace PacketSec.Cli.Commands;

/// <summary><c>psec version</c>: the version, and on request what it runs on.</summary>
internal static class VersionCommand
{
    public static Command Create(CliContext context)
    {
        var verbose = new Option<bool>("--verbose") { Description = "Print the runtime, and the cryptographic providers with their libraries." };
        var command = new Command("version", "Print the version.") { verbose };
        command.SetAction(parsed => Run(context, parsed.GetValue(verbose), parsed.GetValue(context.Json)));
        return command;
    }

    private static int Run(CliContext context, bool verbose, bool json)
    {
        var version = typeof(VersionCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
        if (!verbose)
        {
            if (json)
            {
                context.PrintJson("version", line => line.WriteString("version", version));
            }
            else
            {
                context.Output.WriteLine($"psec {version}");
            }

            return ExitCodes.Success;
        }

        var providers = CryptoProvider.Available;
        var serving = CryptoProvider.Default;
        var libraries = LoadedLibraries();
        if (json)
        {
            context.PrintJson("version", line =>
            {
                line.WriteString("version", version);
                line.WriteString("runtime", RuntimeInformation.FrameworkDescription);
                line.WriteString("os", RuntimeInformation.OSDescription);
                line.WriteString("rid", RuntimeInformation.RuntimeIdentifier);
                line.WriteString("provider", serving.Name);
                line.WriteStartArray("providers");
                foreach (var provider in providers)
                {
                    line.WriteStringValue(provider.Name);
                }

                line.WriteEndArray();
                line.WriteStartArray("libraries");
                foreach (var library in libraries)
                {
                    line.WriteStringValue(library);
                }

                line.WriteEndArray();
            });
            return ExitCodes.Success;
        }

        context.Output.WriteLine($"psec      {version}");
        context.Output.WriteLine($"runtime   {RuntimeInformation.FrameworkDescription}");
        context.Output.WriteLine($"system    {RuntimeInformation.OSDescription} ({RuntimeInformation.RuntimeIdentifier})");
        foreach (var provider in providers)
        {
            context.Output.WriteLine($"provider  {provider.Name}{(provider == serving ? " (serves)" : "")}");
        }

        foreach (var library in libraries)
        {
            context.Output.WriteLine($"library   {library}");
        }

        return ExitCodes.Success;
    }

    // The files that were loaded in fact, whatever names were asked for.
    private static string[] LoadedLibraries()
    {
        using var process = Process.GetCurrentProcess();
        return [.. process.Modules.Cast<ProcessModule>().Select(module => module.FileName).Where(IsCryptographic).Distinct().Order(StringComparer.Ordinal)];
    }

    private static bool IsCryptographic(string path)
    {
        var name = Path.GetFileName(path);
        return name.Contains("libcrypto", StringComparison.Ordinal) || name.Contains("sodium", StringComparison.Ordinal);
    }
}
