using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using PacketSec.Interop.Cells;
using PacketSec.Interop.Peers;
using PacketSec.Libp2p.Addresses;

namespace PacketSec.Interop.Libp2p;

/// <summary>A js-libp2p host in a process of its own, driven by lines of JSON.</summary>
internal sealed class JsHost : IAsyncDisposable
{
    private readonly ChildProcess _process;
    private readonly ConcurrentDictionary<int, TaskCompletionSource<JsonObject>> _calls = new();
    private readonly SemaphoreSlim _writing = new(1);
    private readonly Task _reading;
    private int _lastId;

    private JsHost(ChildProcess process, Multiaddress address)
    {
        (_process, Address) = (process, address);
        _reading = ReadAsync();
    }

    /// <summary>Gets the address that it listens at, with its peer ID.</summary>
    public Multiaddress Address { get; }

    public string PeerId => Address.PeerId!.ToString();

    /// <summary>Starts a host.</summary>
    /// <param name="schemes">The schemes that it serves and proposes.</param>
    /// <param name="cancellationToken">Ends the wait for its address.</param>
    public static async Task<JsHost> StartAsync(string schemes, CancellationToken cancellationToken)
    {
        var process = new ChildProcess(
            "node", "--import", Path.Combine(JsBuild.Folder, "polyfill.mjs"), Path.Combine(JsBuild.Folder, "host.mjs"), "--schemes", schemes);
        while (await process.Lines.WaitToReadAsync(cancellationToken))
        {
            if (process.Lines.TryRead(out var line) && JsonNode.Parse(line) is JsonObject said && (string?)said["type"] == "listening")
            {
                return new(process, Multiaddress.Parse((string)said["addresses"]![0]!));
            }
        }

        await process.WaitAsync(cancellationToken);
        throw new CellFailure($"the JavaScript host did not start: {process.Errors}");
    }

    /// <summary>Has it do something.</summary>
    /// <exception cref="CellFailure">It could not, or has ended.</exception>
    public async Task<JsonObject> CallAsync(string command, object members, CancellationToken cancellationToken)
    {
        var call = JsonSerializer.SerializeToNode(members)!.AsObject();
        var id = Interlocked.Increment(ref _lastId);
        call["id"] = id;
        call["command"] = command;
        var answer = _calls.GetOrAdd(id, _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
        await _writing.WaitAsync(cancellationToken);
        try
        {
            await _process.WriteLineAsync(call.ToJsonString(), cancellationToken);
        }
        finally
        {
            _writing.Release();
        }

        var said = await answer.Task.WaitAsync(cancellationToken);
        return (bool)said["ok"]! ? said : throw new CellFailure(string.Create(CultureInfo.InvariantCulture, $"{command} of the JavaScript host: {said["error"]}"));
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        await _reading;
        _writing.Dispose();
    }

    private async Task ReadAsync()
    {
        await foreach (var line in _process.Lines.ReadAllAsync())
        {
            if (JsonNode.Parse(line) is JsonObject said && (int?)said["id"] is { } id && _calls.TryRemove(id, out var call))
            {
                call.SetResult(said);
            }
        }

        foreach (var call in _calls.Values)
        {
            call.TrySetException(new CellFailure($"the JavaScript host has ended: {_process.Errors}"));
        }
    }
}
