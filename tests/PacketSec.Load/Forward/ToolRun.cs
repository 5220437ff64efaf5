using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using PacketSec.Cli;

namespace PacketSec.Load.Forward;

/// <summary>A command of the tool, which runs in this process.</summary>
internal sealed class ToolRun
{
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();

    public ToolRun(string[] args, CancellationToken stop)
        => Ended = Task.Run(() => RunAsync(args, stop), CancellationToken.None);

    public Task<int> Ended { get; }

    /// <summary>Returns the next line of a type.</summary>
    public async Task<JsonElement> WaitForAsync(string type, CancellationToken cancellationToken)
    {
        while (true)
        {
            var next = _lines.Reader.ReadAsync(cancellationToken).AsTask();
            if (await Task.WhenAny(next, Ended) != next)
            {
                throw new IOException($"The tool ended with exit code {await Ended}.");
            }

            var line = JsonDocument.Parse(await next).RootElement;
            if (line.GetProperty("type").GetString() == type)
            {
                return line;
            }
        }
    }

    private async Task<int> RunAsync(string[] args, CancellationToken stop)
    {
        await using var output = new Lines(_lines.Writer);
        return await CliApplication.RunAsync([.. args, "--json"], TextReader.Null, output, Console.Error, cancellationToken: stop);
    }

    private sealed class Lines(ChannelWriter<string> lines) : TextWriter
    {
        public override Encoding Encoding => Encoding.UTF8;

        public override void WriteLine(string? value) => lines.TryWrite(value ?? string.Empty);
    }
}
