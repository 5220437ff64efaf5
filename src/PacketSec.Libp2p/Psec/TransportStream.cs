using System.IO.Pipelines;
using PacketSec.Libp2p.Transports;

namespace PacketSec.Libp2p.Psec;

/// <summary>A stream of a connection, with the errors of a transport.</summary>
internal sealed class TransportStream(PacketSecStream stream) : IStream
{
    /// <summary>Gets the stream beneath, for what needs more of it than every transport has. Its reader is this object's <see cref="Input"/>.</summary>
    public PacketSecStream Inner => stream;

    public long Id => stream.Id;

    public PipeReader Input { get; } = new Reader(stream.Input);

    public PipeWriter Output { get; } = new Writer(stream.Output);

    public void CompleteWrites() => stream.CompleteWrites();

    public void Reset(long code) => stream.Reset(code);

    public void StopSending(long code) => stream.StopSending(code);

    public ValueTask DisposeAsync() => stream.DisposeAsync();

    private sealed class Reader(PipeReader inner) : PipeReader
    {
        public override void AdvanceTo(SequencePosition consumed) => inner.AdvanceTo(consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined) => inner.AdvanceTo(consumed, examined);

        public override void CancelPendingRead() => inner.CancelPendingRead();

        public override void Complete(Exception? exception = null) => inner.Complete(exception);

        public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
        {
            try
            {
                return await inner.ReadAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (Translation.Takes(e))
            {
                throw Translation.Of(e);
            }
        }

        public override bool TryRead(out ReadResult result)
        {
            try
            {
                return inner.TryRead(out result);
            }
            catch (Exception e) when (Translation.Takes(e))
            {
                throw Translation.Of(e);
            }
        }
    }

    private sealed class Writer(PipeWriter inner) : PipeWriter
    {
        public override bool CanGetUnflushedBytes => inner.CanGetUnflushedBytes;

        public override long UnflushedBytes => inner.UnflushedBytes;

        public override void Advance(int bytes) => inner.Advance(bytes);

        public override void CancelPendingFlush() => inner.CancelPendingFlush();

        public override void Complete(Exception? exception = null)
        {
            try
            {
                inner.Complete(exception);
            }
            catch (Exception e) when (Translation.Takes(e))
            {
                throw Translation.Of(e);
            }
        }

        public override async ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
        {
            try
            {
                return await inner.FlushAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (Exception e) when (Translation.Takes(e))
            {
                throw Translation.Of(e);
            }
        }

        public override Memory<byte> GetMemory(int sizeHint = 0)
        {
            try
            {
                return inner.GetMemory(sizeHint);
            }
            catch (Exception e) when (Translation.Takes(e))
            {
                throw Translation.Of(e);
            }
        }

        public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;
    }
}
