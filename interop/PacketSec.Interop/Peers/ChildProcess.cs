using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading.Channels;

namespace PacketSec.Interop.Peers;

/// <summary>A process whose lines are read as they come. Disposal kills it, if it still runs.</summary>
internal sealed partial class ChildProcess : IAsyncDisposable
{
    private const int Terminate = 15;

    private readonly Process _process;
    private readonly StringBuilder _errors = new();
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();
    private readonly Task _reading;

    /// <summary>Starts a program.</summary>
    /// <exception cref="Win32Exception">There is no such program.</exception>
    public ChildProcess(string program, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        _process = Process.Start(start)!;
        _reading = Task.WhenAll(ReadOutputAsync(), ReadErrorsAsync());
    }

    /// <summary>Writes a line to the standard input. One call at a time.</summary>
    public async Task WriteLineAsync(string line, CancellationToken cancellationToken)
    {
        await _process.StandardInput.WriteLineAsync(line.AsMemory(), cancellationToken);
        await _process.StandardInput.FlushAsync(cancellationToken);
    }

    /// <summary>Gets the lines of the standard output; completed when the process closes it.</summary>
    public ChannelReader<string> Lines => _lines.Reader;

    /// <summary>Gets what was written to the standard error, once the process has ended.</summary>
    public string Errors => _errors.ToString().Trim();

    /// <summary>Waits for the end, output included.</summary>
    public async Task<int> WaitAsync(CancellationToken cancellationToken)
    {
        await _reading.WaitAsync(cancellationToken);
        await _process.WaitForExitAsync(cancellationToken);
        return _process.ExitCode;
    }

    /// <summary>Asks it to end, as Ctrl-C would.</summary>
    public void Interrupt()
    {
        if (!_process.HasExited)
        {
            _ = SendSignal(_process.Id, Terminate);
        }
    }

    public async Task KillAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await WaitAsync(CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process.Dispose();
    }

    // The framework can only kill.
    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int process, int signal);

    private async Task ReadOutputAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            await _lines.Writer.WriteAsync(line);
        }

        _lines.Writer.Complete();
    }

    private async Task ReadErrorsAsync()
    {
        while (await _process.StandardError.ReadLineAsync() is { } line)
        {
            _errors.AppendLine(line);
        }
    }
}
