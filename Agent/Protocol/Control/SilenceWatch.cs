namespace ReplicationEngine.Agent.Protocol.Control;

/// <summary>
/// Tells when a stream is lost because nothing comes. It counts looks instead of reading a clock: after a pause of this
/// process itself, what came meanwhile is read before the next look, so a halt of one's own is not taken for the
/// other's silence. Used by one task.
/// </summary>
public sealed class SilenceWatch
{
    private long _heard;
    private int _silent;

    /// <summary>Looks once. <paramref name="heard"/> rises with whatever comes.</summary>
    /// <returns>True when the stream is lost.</returns>
    public bool Look(long heard)
    {
        _silent = heard == _heard ? _silent + 1 : 0;
        _heard = heard;
        return _silent >= ControlLimits.SilentLooks;
    }
}
