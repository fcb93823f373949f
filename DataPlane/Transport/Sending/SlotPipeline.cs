using System.Threading.Channels;
using ReplicationEngine.DataPlane.Transport.Framing;

namespace ReplicationEngine.DataPlane.Transport.Sending;

/// <summary>
/// Fills reserved slots in parallel and writes them in order. The windows of the <see cref="SendMachine"/> that
/// reserves limit its content.
/// </summary>
internal sealed class SlotPipeline(
    SlotFiller filler, SessionLink link, BandwidthLimit? limit, LogBuffers logs, TimeProvider time)
{
    private const int InlineBytes = 8 << 10;
    private readonly Channel<SendSlot> _work = Channel.CreateUnbounded<SendSlot>(
        new UnboundedChannelOptions { SingleWriter = true });

    private readonly Channel<SendSlot> _order = Channel.CreateUnbounded<SendSlot>(
        new UnboundedChannelOptions { SingleWriter = true, SingleReader = true });

    /// <summary>Adds the next slot; slots are added in the order of their sequence numbers.</summary>
    public void Add(SendSlot slot)
    {
        var small = slot.Action.Type switch
        {
            FrameType.Records => slot.Log!.WrittenCount <= InlineBytes,
            FrameType.Blocks or FrameType.RootProbe => false,
            _ => true,
        };
        if (small)
        {
            Fill(slot);
        }
        else
        {
            _work.Writer.TryWrite(slot);
        }

        _order.Writer.TryWrite(slot);
    }

    /// <summary>Ends the input: no more slots follow.</summary>
    public void Complete()
    {
        _work.Writer.TryComplete();
        _order.Writer.TryComplete();
    }

    /// <summary>Runs the loop of one worker.</summary>
    public async Task FillAsync(CancellationToken cancellationToken)
    {
        await foreach (var slot in _work.Reader.ReadAllAsync(cancellationToken))
        {
            Fill(slot);
        }
    }

    /// <summary>Runs the writer's loop; ends when all slots are written.</summary>
    public async Task WriteAsync(CancellationToken cancellationToken)
    {
        await foreach (var slot in _order.Reader.ReadAllAsync(cancellationToken))
        {
            await slot.Filled.WaitAsync(cancellationToken);
            var wait = limit?.Take(slot.Length) ?? TimeSpan.Zero;
            if (wait > TimeSpan.Zero)
            {
                await Task.Delay(wait, time, cancellationToken);
            }

            await link.WriteAsync(slot.Frame.AsMemory(0, slot.Length), cancellationToken);
            link.Pool.Return(slot.Frame);
        }
    }

    private void Fill(SendSlot slot)
    {
        filler.Fill(slot);
        if (slot.Log is { } log)
        {
            logs.Return(log);
        }
    }
}
