using System.Diagnostics;

namespace PacketSec.Tests.Cli;

/// <summary>A command as a process of its own, which can be killed.</summary>
internal sealed class ChildCli : IDisposable
{
    private readonly Process _process;

    private ChildCli(string[] args)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "psec.dll"));
        foreach (var argument in args)
        {
            start.ArgumentList.Add(argument);
        }

        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, data) => Add(Output, data.Data);
        _process.ErrorDataReceived += (_, data) => Add(Error, data.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public LineLog Output { get; } = new();

    public LineLog Error { get; } = new();

    public static ChildCli Start(params string[] args) => new(args);

    /// <summary>Ends the process as a crash would.</summary>
    public async Task CrashAsync()
    {
        _process.Kill();
        await ExitAsync();
    }

    /// <summary>Sends a signal by its name.</summary>
    public async Task SignalAsync(string name)
    {
        using var kill = Process.Start("/bin/sh", ["-c", $"kill -{name} {_process.Id}"]);
        await kill.WaitForExitAsync();
        Assert.Equal(0, kill.ExitCode);
    }

    public async Task<int> ExitAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromMilliseconds(SocketsCollection.CeilingMilliseconds));
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
    }

    private static void Add(LineLog log, string? line)
    {
        if (line is not null)
        {
            log.Add(line);
        }
    }
}
