using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace PacketSec.Cli.Forward;

/// <summary>A UDP port: one flow for each source.</summary>
//= spec/forward.md#forward-flow-source
internal sealed class UdpEntrance(Socket socket, ForwardPolicy policy, ForwardTally tally) : Entrance(socket)
{
    private readonly ConcurrentDictionary<EndPoint, Source> _sources = new();

    public override async Task RunAsync(Func<ForwardSession?> session, ForwardRequest request, CancellationToken cancellationToken)
    {
        var buffer = new byte[FlowTable.BufferSize];
        var any = new IPEndPoint(Socket.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
        try
        {
            while (true)
            {
                try
                {
                    var received = await Socket.ReceiveFromAsync(buffer, SocketFlags.None, any, cancellationToken);
                    Take(session(), request, received.RemoteEndPoint, buffer.AsSpan(0, received.ReceivedBytes), cancellationToken);
                }
                catch (SocketException)
                {
                    // An answer found nobody at its source any more; others are served on.
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The port is closed.
        }
    }

    private void Take(ForwardSession? session, ForwardRequest request, EndPoint from, ReadOnlySpan<byte> payload, CancellationToken cancellationToken)
    {
        if (!_sources.TryGetValue(from, out var source))
        {
            //= spec/forward.md#forward-flow-count
            if (session is null or { Over.IsCancellationRequested: true } || !session.Flows.TryEnter())
            {
                tally.CountDropped();
                return;
            }

            source = new(from, session, tally);
            _sources[from] = source;
            source.Take(payload);
            _ = session.Track(RunAsync(source, request, cancellationToken));
            return;
        }

        source.Take(payload);
    }

    private async Task RunAsync(Source source, ForwardRequest request, CancellationToken cancellationToken)
    {
        var session = source.Session;
        Flow? flow = null;
        try
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(session.Over, cancellationToken);
            await using var control = await session.OpenStreamAsync(stop.Token);
            flow = session.Flows.Add(control, payload => Answer(source.From, payload));
            var answer = await session.AskAsync(control, request, stop.Token);
            if (answer.Code != ForwardCode.Done)
            {
                // The source is remembered as long as a flow of its would be, and not asked about again for each of its datagrams.
                session.TellRefused(request, answer.Code);
                await Task.Delay(policy.FlowIdle, policy.Time, stop.Token);
                return;
            }

            source.Open(flow);
            await session.Flows.UntilOverAsync(flow, stop.Token);
        }
        catch (Exception error) when (error is PacketSecConnectionException or ObjectDisposedException or OperationCanceledException)
        {
            // The connection has ended, or the port is closed.
        }
        finally
        {
            if (flow is not null)
            {
                session.Flows.Remove(flow);
            }

            session.Flows.Leave();
            _sources.TryRemove(source.From, out _);
        }
    }

    private void Answer(EndPoint source, ReadOnlySpan<byte> payload)
    {
        try
        {
            Socket.SendTo(payload, source);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            tally.CountDropped();
        }
    }

    /// <summary>Who sends to the port. Datagrams wait until the far side has answered.</summary>
    //= spec/forward.md#forward-flow-answered
    private sealed class Source(EndPoint from, ForwardSession session, ForwardTally tally)
    {
        private const int MostEarly = 16;

        private readonly Lock _gate = new();
        private readonly Queue<byte[]> _early = [];
        private Flow? _flow;

        public EndPoint From => from;

        public ForwardSession Session => session;

        public void Take(ReadOnlySpan<byte> payload)
        {
            lock (_gate)
            {
                if (_flow is not null)
                {
                    session.Flows.Send(_flow, payload);
                }
                else if (_early.Count < MostEarly)
                {
                    _early.Enqueue(payload.ToArray());
                }
                else
                {
                    tally.CountDropped();
                }
            }
        }

        public void Open(Flow flow)
        {
            lock (_gate)
            {
                while (_early.TryDequeue(out var payload))
                {
                    session.Flows.Send(flow, payload);
                }

                _flow = flow;
            }
        }
    }
}
