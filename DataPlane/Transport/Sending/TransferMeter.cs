using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.DataPlane.Transport.Sending;

/// <summary>
/// Counts the bytes that a session sends, and measures its rate. Counting is safe from several threads.
/// </summary>
public sealed class TransferMeter
{
    private const double Smoothing = 0.3;
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(1);
    private readonly Lock _gate = new();
    private long _wire;
    private long _log;
    private long _blocks;
    private TimeSpan _since;
    private long _doneThen;
    private TransferPhase? _phase;
    private long _copied;
    private Generation _copying;

    /// <summary>The bytes sent on the wire.</summary>
    public long Wire => Interlocked.Read(ref _wire);

    /// <summary>The bytes of log records sent.</summary>
    public long Log => Interlocked.Read(ref _log);

    /// <summary>The bytes of disk blocks sent.</summary>
    public long Blocks => Interlocked.Read(ref _blocks);

    /// <summary>The bytes of disk blocks that the running or latest copy or resync has sent in this session.</summary>
    public long Copied
    {
        get
        {
            lock (_gate)
            {
                return _copied;
            }
        }
    }

    /// <summary>The smoothed rate in bytes per second; 0 until a window has passed.</summary>
    public double Rate { get; private set; }

    /// <summary>Counts a sealed frame.</summary>
    public void Count(long payload, long wire)
    {
        Interlocked.Add(ref _log, payload);
        Interlocked.Add(ref _wire, wire);
    }

    /// <summary>Counts a sealed frame of disk blocks. Each copy or resync has a generation of its own.</summary>
    public void CountBlocks(Generation generation, long changed, long wire)
    {
        Interlocked.Add(ref _blocks, changed);
        Interlocked.Add(ref _wire, wire);
        lock (_gate)
        {
            _copied = generation == _copying ? _copied + changed : changed;
            _copying = generation;
        }
    }

    /// <summary>Updates the rate. Called by one thread.</summary>
    public void Update(TransferPhase phase, long done, TimeSpan now)
    {
        if (phase != _phase)
        {
            (_phase, _since, _doneThen, Rate) = (phase, now, done, 0);
            return;
        }

        var passed = now - _since;
        if (passed < Window)
        {
            return;
        }

        var rate = (done - _doneThen) / passed.TotalSeconds;
        Rate = Rate == 0 ? rate : (Rate * (1 - Smoothing)) + (rate * Smoothing);
        (_since, _doneThen) = (now, done);
    }
}
