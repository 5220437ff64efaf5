using System.Diagnostics;
using System.Text.Json;

namespace PacketSec.Cli.Bench;

/// <summary>A process that tells its results as lines of JSON, and ends with its standard input.</summary>
internal sealed class LineChild : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly Process _process;
    private readonly string _name;

    private LineChild(Process process, string name) => (_process, _name) = (process, name);

    /// <summary>Starts a process.</summary>
    /// <exception cref="CliException">It cannot be started.</exception>
    public static LineChild Start(string name, string file, params IEnumerable<string> arguments)
    {
        try
        {
            return new(
                Process.Start(new ProcessStartInfo(file, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true })!, name);
        }
        catch (System.ComponentModel.Win32Exception error)
        {
            throw new CliException(ExitCodes.File, $"{name} cannot be started: {error.Message}", error);
        }
    }

    /// <summary>Starts this program once more.</summary>
    public static LineChild StartSelf(string name, params IEnumerable<string> arguments)
    {
        const string Host = "dotnet";
        var assembly = typeof(LineChild).Assembly.Location;
        var own = Environment.ProcessPath;
        var isHost = string.Equals(Path.GetFileNameWithoutExtension(own), Host, StringComparison.OrdinalIgnoreCase);
        return isHost || assembly.Length > 0 && !string.Equals(Path.GetFileNameWithoutExtension(own), "psec", StringComparison.OrdinalIgnoreCase)
            ? Start(name, isHost ? own! : Host, arguments.Prepend(assembly))
            : Start(name, own!, arguments);
    }

    public void Say(string line)
    {
        _process.StandardInput.WriteLine(line);
        _process.StandardInput.Flush();
    }

    /// <summary>Returns the next line.</summary>
    /// <exception cref="CliException">The process has ended, or says nothing.</exception>
    public async Task<JsonElement> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            var line = await _process.StandardOutput.ReadLineAsync(cancellationToken).AsTask().WaitAsync(Patience, cancellationToken);
            using var json = JsonDocument.Parse(line ?? throw new CliException(ExitCodes.Failed, $"{_name} has ended: its errors stand above."));
            return json.RootElement.Clone();
        }
        catch (Exception error) when (error is TimeoutException or JsonException)
        {
            throw new CliException(ExitCodes.Failed, $"{_name} does not tell its result: {error.Message}", error);
        }
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }
}
