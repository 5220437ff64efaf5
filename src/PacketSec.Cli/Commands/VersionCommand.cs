using System.CommandLine;
using System.Diagnostics;
using System.Net;
using System.Reflection;
using System.Runtime.InteropServices;
using PacketSec.Cli.Net;
using PacketSec.Crypto;

namespace PacketSec.Cli.Commands;

/// <summary><c>psec version</c>: the version, and on request what it runs on.</summary>
internal static class VersionCommand
{
    public static Command Create(CliContext context)
    {
        var verbose = new Option<bool>("--verbose") { Description = "Print the runtime, the path of datagrams, and the cryptographic providers with their libraries." };
        var command = new Command("version", "Print the version.") { verbose };
        command.SetAction((parsed, _) => RunAsync(context, parsed.GetValue(verbose), parsed.GetValue(context.Json)));
        return command;
    }

    private static async Task<int> RunAsync(CliContext context, bool verbose, bool json)
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
        var path = await DescribePathAsync();
        if (json)
        {
            context.PrintJson("version", line =>
            {
                line.WriteString("version", version);
                line.WriteString("runtime", RuntimeInformation.FrameworkDescription);
                line.WriteString("os", RuntimeInformation.OSDescription);
                line.WriteString("rid", RuntimeInformation.RuntimeIdentifier);
                line.WriteString("path", path);
                line.WriteString("provider", serving.Name);
                line.WriteString("aead", CryptoProvider.OpenSsl.Name);
                line.WriteString("curves", CurvesOf(serving));
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
        context.Output.WriteLine($"path      {path}");
        context.Output.WriteLine($"aead      {CryptoProvider.OpenSsl.Name}");
        context.Output.WriteLine($"curves    {CurvesOf(serving)}");
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

    // Every provider takes the ciphers from OpenSSL; the name of one with other curves goes on with OpenSSL's.
    private static string CurvesOf(ICryptoProvider provider) => provider.Name.Replace($", {CryptoProvider.OpenSsl.Name}", "", StringComparison.Ordinal);

    // What serves is known when a socket is bound.
    private static async Task<string> DescribePathAsync()
    {
        try
        {
            await using var local = LocalEndpoint.Open(
                keyFile: null, network: null, capture: null, (identity, _) => new() { Identity = identity, LocalEndPoint = new(IPAddress.Loopback, 0) });
            return local.Endpoint.PathDescription;
        }
        catch (CliException failure)
        {
            return $"unknown: {failure.Message}";
        }
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
