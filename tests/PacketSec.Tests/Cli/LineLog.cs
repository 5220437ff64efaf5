using System.Text;
using System.Text.Json;

namespace PacketSec.Tests.Cli;

/// <summary>The lines that a running command prints; a test waits for the one it needs. Thread-safe.</summary>
internal sealed class LineLog : TextWriter
{
    private readonly Lock _gate = new();
    private readonly StringBuilder _current = new();
    private readonly List<string> _lines = [];
    private readonly List<(Func<string, bool> Condition, TaskCompletionSource<string> Found)> _waits = [];

    public override Encoding Encoding => Encoding.UTF8;

    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_gate)
            {
                return [.. _lines];
            }
        }
    }

    public override void Write(char value)
    {
        lock (_gate)
        {
            if (value == '\n')
            {
                Add(_current.ToString().TrimEnd('\r'));
                _current.Clear();
            }
            else
            {
                _current.Append(value);
            }
        }
    }

    public void Add(string line)
    {
        lock (_gate)
        {
            _lines.Add(line);
            foreach (var wait in _waits.Where(wait => wait.Condition(line)).ToList())
            {
                _waits.Remove(wait);
                wait.Found.SetResult(line);
            }
        }
    }

    /// <summary>Returns the first line, printed already or to come, that meets a condition.</summary>
    public Task<string> WaitForAsync(Func<string, bool> condition)
    {
        lock (_gate)
        {
            if (_lines.Find(line => condition(line)) is { } line)
            {
                return Task.FromResult(line);
            }

            var found = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
            _waits.Add((condition, found));
            return found.Task.WaitAsync(TimeSpan.FromMilliseconds(SocketsCollection.CeilingMilliseconds));
        }
    }

    /// <summary>Returns the first JSON line of a type.</summary>
    public async Task<JsonElement> WaitForJsonAsync(string type, Func<JsonElement, bool>? condition = null)
    {
        bool Matches(string line)
        {
            var element = JsonDocument.Parse(line).RootElement;
            return element.GetProperty("type").GetString() == type && (condition is null || condition(element));
        }

        return JsonDocument.Parse(await WaitForAsync(Matches)).RootElement;
    }
}
