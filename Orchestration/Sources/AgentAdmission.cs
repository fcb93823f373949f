using ReplicationEngine.Agent.Protocol.Control;

namespace ReplicationEngine.Orchestration.Sources;

/// <summary>Who asks to be taken as an agent, proved by a signature.</summary>
/// <param name="Agent">The name.</param>
/// <param name="Key">The public key that the proof fits.</param>
/// <param name="Process">The process.</param>
/// <param name="Address">Where it calls from.</param>
public sealed record AgentClaim(string Agent, string Key, AgentProcessInfo Process, string Address)
{
    /// <summary>The process, for people.</summary>
    public override string ToString() =>
        $"process {Process.Pid} of host '{Process.Host}' at {Address} (incarnation {Short(Process.Incarnation)}, boot "
            + $"{Short(Process.BootId)})";

    private static string Short(string id) => id.Length <= 8 ? id : id[..8];
}

/// <summary>What becomes of a newcomer.</summary>
public abstract record AdmissionVerdict
{
    private AdmissionVerdict()
    {
    }

    /// <summary>It is taken; a session that there is ends.</summary>
    /// <param name="OtherProcess">The session that ends is another process's: whatever belonged to it ends too.</param>
    public sealed record Admit(bool OtherProcess) : AdmissionVerdict;

    /// <summary>The session that there is has to show within <see cref="AgentAdmission.ProofOfLife"/> that its process
    /// lives; <see cref="AgentAdmission.AfterAsking"/> has the verdict then.</summary>
    public sealed record AskTheOther : AdmissionVerdict;

    /// <summary>It is refused.</summary>
    /// <param name="Code">That of <see cref="ControlMessage.Refused"/>.</param>
    /// <param name="Reason">For the agent's log.</param>
    /// <param name="Conflict">For the operator.</param>
    public sealed record Refuse(string Code, string Reason, string Conflict) : AdmissionVerdict;
}

/// <summary>
/// Decides which of two connections speaks for an agent (B6, F19). A name belongs to the first key that registers it.
/// A process that calls again wins at once over its own former connection, which may be half open. Another process with
/// the same key is a restart or a copy of the machine: it wins only over one that shows no life.
/// </summary>
public static class AgentAdmission
{
    /// <summary>
    /// How long a session has to show that its process lives; a live one says something every second.
    /// </summary>
    public static TimeSpan ProofOfLife { get; } = TimeSpan.FromSeconds(3);

    /// <summary>The verdict about a newcomer.</summary>
    /// <param name="boundKey">The key that the name belongs to; null when it belongs to none yet.</param>
    /// <param name="current">Who holds the name now; null when nobody is connected under it.</param>
    /// <param name="newcomer">Who calls.</param>
    public static AdmissionVerdict Judge(string? boundKey, AgentClaim? current, AgentClaim newcomer)
    {
        if (boundKey is not null && boundKey != newcomer.Key)
        {
            return new AdmissionVerdict.Refuse(
                "identity",
                $"The name '{newcomer.Agent}' belongs to another agent's key. Give this agent another --name; if it "
                    + $"replaces that agent for good, run `drctl agents forget {newcomer.Agent}` first.",
                $"{newcomer} uses the name '{newcomer.Agent}' with another key than that agent; it is "
                    + $"refused. If it replaces that agent for good, run `drctl agents forget {newcomer.Agent}`.");
        }

        return current is null ? new AdmissionVerdict.Admit(OtherProcess: false)
            : current.Process.Incarnation == newcomer.Process.Incarnation
                ? new AdmissionVerdict.Admit(OtherProcess: false)
            : new AdmissionVerdict.AskTheOther();
    }

    /// <summary>The verdict when the holder of the name was asked to show that it lives.</summary>
    /// <param name="alive">It did.</param>
    /// <param name="current">The holder.</param>
    /// <param name="newcomer">Who calls.</param>
    public static AdmissionVerdict AfterAsking(bool alive, AgentClaim current, AgentClaim newcomer) => alive
        ? new AdmissionVerdict.Refuse(
            "clone",
            $"Another process with this agent's identity is connected: {current}. Stop one of the two, or "
                + "delete the file 'identity' of the copy and give it another --name.",
            $"Two agents have the same identity; one may be a clone of the other. {current} is connected; {newcomer} "
                + "also calls and is refused. Stop one of them.")
        : new AdmissionVerdict.Admit(OtherProcess: true);
}
