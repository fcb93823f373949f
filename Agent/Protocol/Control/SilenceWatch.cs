namespace ReplicationEngine.Agent.Protocol.Control;

/// <summary>
/// Detects that a stream is lost because no bytes arrive. It counts checks instead of reading a clock: after a pause of
/// this process, the bytes that arrived meanwhile are read before the next check, so the pause is not mistaken for
/// silence of the other end. Used by one task.
/// </summary>
public sealed class SilenceWatch
{
    private long _heard;
    private int _silent;

    /// <summary>Checks the stream once. <paramref name="heard"/> increases with every received byte.</summary>
    /// <returns>True if the stream is lost.</returns>
    public bool Look(long heard)
    {
        _silent = heard == _heard ? _silent + 1 : 0;
        _heard = heard;
        return _silent >= ControlLimits.SilentLooks;
    }
}
