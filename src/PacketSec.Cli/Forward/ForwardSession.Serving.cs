using System.Net;
using System.Net.Sockets;

namespace PacketSec.Cli.Forward;

/// <summary>What the peer asks for.</summary>
internal sealed partial class ForwardSession
{
    private async Task ServeAsync(PacketSecStream stream)
    {
        await using (stream)
        {
            try
            {
                await DispatchAsync(stream, await ReadRequestAsync(stream));
            }
            catch (ForwardProtocolException error)
            {
                _reporter.Problem($"{_connection.RemotePeerId}: {error.Message}");
                await _connection.CloseAsync(ProtocolError, error.Message);
            }
            catch (Exception error) when (IsOver(error))
            {
                TcpPump.GiveUp(stream);
            }
        }
    }

    //= spec/forward.md#forward-request-time
    private async Task<ForwardRequest> ReadRequestAsync(PacketSecStream stream)
    {
        using var limit = new CancellationTokenSource(RequestTime, _policy.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, Over);
        return await ForwardRequest.ReadAsync(stream, either.Token);
    }

    private Task DispatchAsync(PacketSecStream stream, ForwardRequest request) => request.Kind switch
    {
        ForwardKind.Watch => EchoAsync(stream),
        ForwardKind.ListenTcp or ForwardKind.ListenUdp => OpenPortAsync(stream, request),
        ForwardKind.Accepted => ConnectToOwnAsync(stream, request.Control),
        _ when !_policy.Permits(request.Host, request.Port) => RefuseAsync(
            stream, ForwardCode.NotPermitted, TargetOf(request), $"psec forward serve takes it with --permit {TargetOf(request)}"),
        ForwardKind.ConnectUdp => ConnectUdpAsync(stream, request.Host, request.Port),
        _ => ConnectTcpAsync(stream, request.Host, request.Port),
    };

    private async Task EchoAsync(PacketSecStream stream)
    {
        var beat = new byte[16];
        await AnswerAsync(stream, new(ForwardCode.Done));
        while (await stream.ReadAsync(beat, Over) is > 0 and var count)
        {
            await stream.WriteAsync(beat.AsMemory(0, count), Over);
        }
    }

    //= spec/forward.md#forward-accepted
    private Task ConnectToOwnAsync(PacketSecStream stream, long control)
        => !_rules.TryGetValue(control, out var rule) ? RefuseAsync(stream, ForwardCode.NotPermitted, "a port of its own", "it was never asked for")
            : rule.IsUdp ? ConnectUdpAsync(stream, rule.Host, rule.TargetPort)
            : ConnectTcpAsync(stream, rule.Host, rule.TargetPort);

    private async Task ConnectTcpAsync(PacketSecStream stream, string host, int port)
    {
        Socket opened;
        try
        {
            opened = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        }
        catch (SocketException error)
        {
            // The system has no file for one more.
            await RefuseAsync(stream, ForwardCode.Unreachable, $"{host}:{port}", error.Message);
            return;
        }

        using var socket = opened;
        try
        {
            if (Interlocked.Increment(ref _connections) > _policy.MostConnections)
            {
                await RefuseAsync(stream, ForwardCode.TooMany, $"{host}:{port}", $"there are {_policy.MostConnections} TCP connections already");
                return;
            }

            if (await ConnectAsync(socket, host, port) is { } problem)
            {
                await RefuseAsync(stream, ForwardCode.Unreachable, $"{host}:{port}", problem);
                return;
            }

            await AnswerAsync(stream, new(ForwardCode.Done));
            _tally.CountConnection();
            await TcpPump.RunAsync(socket, stream, Over);
        }
        catch (Exception error) when (IsOver(error))
        {
            // The target sees that what it has accepted failed, and did not end.
            TcpPump.Abort(socket);
            throw;
        }
        finally
        {
            Interlocked.Decrement(ref _connections);
        }
    }

    private async Task ConnectUdpAsync(PacketSecStream stream, string host, int port)
    {
        if (!Flows.TryEnter())
        {
            await RefuseAsync(stream, ForwardCode.TooMany, $"{host}:{port}", $"there are {_policy.MostFlows} flows already");
            return;
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Over);
        Flow? flow = null;
        try
        {
            var address = await ResolveAsync(host);
            if (address is null)
            {
                await RefuseAsync(stream, ForwardCode.Unreachable, $"{host}:{port}", "its name is unknown");
                return;
            }

            using var socket = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            await socket.ConnectAsync(new IPEndPoint(address, port), Over);
            flow = Flows.Add(stream, payload => Deliver(socket, payload));
            await AnswerAsync(stream, new(ForwardCode.Done));
            var receiving = UdpReader.RunAsync(socket, payload => Flows.Send(flow, payload), stop.Token);
            await Task.WhenAny(Flows.UntilOverAsync(flow, stop.Token), receiving);
            await stop.CancelAsync();
            await receiving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        catch (SocketException error)
        {
            await RefuseAsync(stream, ForwardCode.Unreachable, $"{host}:{port}", error.Message);
        }
        finally
        {
            if (flow is not null)
            {
                Flows.Remove(flow);
            }

            Flows.Leave();
        }
    }

    private async Task OpenPortAsync(PacketSecStream stream, ForwardRequest request)
    {
        var what = $"port {request.Port} on {request.Host}";
        if (!_policy.PermitsListening(request.Port) || !IPAddress.TryParse(request.Host, out var bind) || !_policy.MayBind(bind))
        {
            await RefuseAsync(stream, ForwardCode.NotPermitted, what, $"psec forward serve opens it with --permit-listen {request.Port}, and others than loopback with --public");
            return;
        }

        Entrance entrance;
        try
        {
            entrance = Entrance.Open(bind, request.Port, request.Kind == ForwardKind.ListenUdp, _policy, _tally);
        }
        catch (SocketException error)
        {
            await RefuseAsync(stream, ForwardCode.CannotBind, what, error.Message);
            return;
        }

        //= spec/forward.md#forward-listen-end
        using var closed = CancellationTokenSource.CreateLinkedTokenSource(Over);
        await using (entrance)
        {
            await AnswerAsync(stream, new(ForwardCode.Done, entrance.LocalEndPoint.Port));
            var running = entrance.RunAsync(() => this, new(ForwardKind.Accepted, Control: stream.Id), closed.Token);
            await stream.ReadAsync(new byte[1], closed.Token).AsTask().ContinueWith(static _ => { }, TaskScheduler.Default);
            await closed.CancelAsync();
            await running;
        }
    }

    private async Task<string?> ConnectAsync(Socket socket, string host, int port)
    {
        using var limit = new CancellationTokenSource(ConnectTime, _policy.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, Over);
        try
        {
            await socket.ConnectAsync(host, port, either.Token);
            return null;
        }
        catch (SocketException error)
        {
            return error.Message;
        }
        catch (OperationCanceledException) when (!Over.IsCancellationRequested)
        {
            return $"it does not answer within {ConnectTime.TotalSeconds} s";
        }
    }

    private async Task<IPAddress?> ResolveAsync(string host)
    {
        try
        {
            return (await Dns.GetHostAddressesAsync(host, Over)).FirstOrDefault();
        }
        catch (SocketException)
        {
            return null;
        }
    }

    private void Deliver(Socket socket, ReadOnlySpan<byte> payload)
    {
        try
        {
            socket.Send(payload);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // Nobody is at the target now, or the flow is about to end: a datagram may be lost.
            _tally.CountDropped();
        }
    }

    private async Task RefuseAsync(PacketSecStream stream, ForwardCode code, string what, string why)
    {
        _tally.CountRefused();
        Tell(code, what, $"refused {what} to {_connection.RemotePeerId}: {why}.");
        await AnswerAsync(stream, new(code));
        stream.CompleteWrites();
    }

    private async Task AnswerAsync(PacketSecStream stream, ForwardAnswer answer) => await stream.WriteAsync(answer.ToBytes(), Over);
}
