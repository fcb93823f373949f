using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.DataPlane.Transport;

namespace ReplicationEngine.Agent.Volumes;

/// <summary>What the end of a data session means to a volume's health.</summary>
public static class SessionProblem
{
    /// <summary>The problem that is reported while there is no other session.</summary>
    public static VolumeProblem Of(IOException end) => end is SessionRefusedException refused
        ? new VolumeProblem(
            "refused-" + refused.Reason.ToString().ToLowerInvariant(), end.Message, null,
            refused.Reason is not (SessionRefusal.WrongKey or SessionRefusal.StaleTerm or SessionRefusal.SizeMismatch))
        : new VolumeProblem("link", end.Message, "Check the link between agent and service.", true);
}
