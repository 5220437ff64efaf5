using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using PacketSec.Interop.Faults;
using PacketSec.Interop.Peers;

namespace PacketSec.Interop.Cells;

/// <summary>Strangers have filled the listener's places for proposals: a dial is asked for a cookie, brings it, and gets through.</summary>
internal sealed class RetryCell(CellPlace place) : Cell(place)
{
    private const int Datagrams = 20;

    public override async Task RunAsync(CellRun run)
    {
        var identity = run.Keys.Make("listener");
        var retries = 0;
        await using var listening = await ListenAsync(run, identity, AnyPort, FullLifetime);
        await using var path = run.OpenPath(
            listening,
            FaultProfile.Clean,
            (_, datagram) =>
            {
                Interlocked.Add(ref retries, PsecFrames.Read(datagram) == PsecFrame.Retry ? 1 : 0);
                return true;
            });
        using var crowd = new Crowd(listening.Address);
        await crowd.FillAsync(run.Token);
        await using var dial = Diallers.Dial(
            new()
            {
                Identity = run.Keys.Make("dialler"),
                Expected = identity,
                Address = path.EndPoint,
                Mode = Mode,
                Speech = Speech,
                Count = Datagrams,
                EchoTimeout = EchoTimeout,
            },
            run.Token);
        var outcome = await dial.Outcome;
        run.Take(outcome, EndReason.Finished);
        run.Require(outcome.Echoed == Datagrams, $"{outcome.Lost} datagrams are lost");
        run.Require(Volatile.Read(ref retries) > 0, "the dial was not asked for a cookie");
        await RequireAgreementAsync(run, outcome.Sessions, listening);
    }

    /// <summary>Proposals from as many addresses as it takes, none of which goes on to a handshake.</summary>
    private sealed class Crowd(IPEndPoint listener) : IDisposable
    {
        // 256 for a prefix, and some to be sure that the places are full. One proposal from each, for PacketSec counts the addresses.
        private const int Addresses = 260;
        private const int BufferSize = 2048;

        private static readonly TimeSpan AnswerTime = TimeSpan.FromMilliseconds(50);

        private readonly List<Socket> _sockets = [.. Enumerable.Range(0, Addresses).Select(_ => FaultPath.Open())];

        /// <summary>Sends them, and then further ones until one of these is asked for a cookie.</summary>
        public async Task FillAsync(CancellationToken cancellationToken)
        {
            foreach (var socket in _sockets)
            {
                await SendAsync(socket, cancellationToken);
            }

            using var last = FaultPath.Open();
            var buffer = new byte[BufferSize];
            while (true)
            {
                await SendAsync(last, cancellationToken);
                using var soon = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                soon.CancelAfter(AnswerTime);
                try
                {
                    var size = await last.ReceiveAsync(buffer, SocketFlags.None, soon.Token);
                    if (PsecFrames.Read(buffer.AsSpan(0, size)) == PsecFrame.Retry)
                    {
                        return;
                    }

                    await Task.Delay(AnswerTime, cancellationToken);
                }
                catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
                {
                    // No answer yet.
                }
            }
        }

        public void Dispose() => _sockets.ForEach(socket => socket.Dispose());

        private async Task SendAsync(Socket socket, CancellationToken cancellationToken)
            => await socket.SendToAsync(MakeProposal(), SocketFlags.None, listener, cancellationToken);

        /// <summary>Makes a proposal with a hidden peer ID and an attempt of its own.</summary>
        private static byte[] MakeProposal()
        {
            const int RandomSize = 16;
            var attempt = Convert.ToBase64String(RandomNumberGenerator.GetBytes(RandomSize)).TrimEnd('=').Replace('+', '-').Replace('/', '_');
            return
            [
                0x00, 34, 0x12, 32, .. RandomNumberGenerator.GetBytes(32), 3,
                .. Text("p2pke-1"), .. Text($"psec-attempt-1:{attempt}"), .. Text("psec-retry-1"),
            ];
        }

        private static byte[] Text(string text) => [(byte)text.Length, .. System.Text.Encoding.UTF8.GetBytes(text)];
    }
}
