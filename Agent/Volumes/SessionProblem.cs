using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.DataPlane.Transport;

namespace ReplicationEngine.Agent.Volumes;

/// <summary>Maps the end of a data session to a problem of the volume's health.</summary>
public static class SessionProblem
{
    /// <summary>Returns the problem to report while there is no other session.</summary>
    public static VolumeProblem Of(IOException end) => end is SessionRefusedException refused
        ? new VolumeProblem(
            "refused-" + refused.Reason.ToString().ToLowerInvariant(), end.Message, null,
            refused.Reason is not (SessionRefusal.WrongKey or SessionRefusal.StaleTerm or SessionRefusal.SizeMismatch))
        : new VolumeProblem("link", end.Message, "Check the link between agent and service.", true);
}
