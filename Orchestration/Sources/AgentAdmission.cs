using ReplicationEngine.Agent.Protocol.Control;

namespace ReplicationEngine.Orchestration.Sources;

/// <summary>A process that asks to be admitted as an agent, proved by a signature.</summary>
/// <param name="Agent">The name of the agent.</param>
/// <param name="Key">The public key of the proof.</param>
/// <param name="Process">The process on the agent's machine.</param>
/// <param name="Address">The network address of the caller.</param>
public sealed record AgentClaim(string Agent, string Key, AgentProcessInfo Process, string Address)
{
    /// <summary>Returns a description of the process for operators.</summary>
    public override string ToString() =>
        $"process {Process.Pid} of host '{Process.Host}' at {Address} (incarnation {Short(Process.Incarnation)}, boot "
            + $"{Short(Process.BootId)})";

    private static string Short(string id) => id.Length <= 8 ? id : id[..8];
}

/// <summary>The decision about a new connection.</summary>
public abstract record AdmissionVerdict
{
    private AdmissionVerdict()
    {
    }

    /// <summary>The new connection is admitted, and an existing session ends.</summary>
    /// <param name="OtherProcess">Whether the existing session belongs to another process, whose resources then end
    /// too.</param>
    public sealed record Admit(bool OtherProcess) : AdmissionVerdict;

    /// <summary>
    /// The existing session must prove within <see cref="AgentAdmission.ProofOfLife"/> that its process is alive; then
    /// <see cref="AgentAdmission.AfterAsking"/> decides.
    /// </summary>
    public sealed record AskTheOther : AdmissionVerdict;

    /// <summary>The new connection is refused.</summary>
    /// <param name="Code">The code of <see cref="ControlMessage.Refused"/>.</param>
    /// <param name="Reason">The reason, for the agent's log.</param>
    /// <param name="Conflict">The conflict, for the operator.</param>
    public sealed record Refuse(string Code, string Reason, string Conflict) : AdmissionVerdict;
}

/// <summary>
/// Decides which of two connections represents an agent (B6, F19). A name belongs to the first key that registers it. A
/// process that connects again immediately replaces its own earlier connection, which may be half open. Another process
/// with the same key is a restart or a copy of the machine: it replaces only a session that shows no life.
/// </summary>
public static class AgentAdmission
{
    /// <summary>
    /// How long a session has to prove that its process is alive. A live process sends a message every second.
    /// </summary>
    public static TimeSpan ProofOfLife { get; } = TimeSpan.FromSeconds(3);

    /// <summary>Decides about a new connection.</summary>
    /// <param name="boundKey">The key to which the name belongs; null when it belongs to none yet.</param>
    /// <param name="current">The current holder of the name; null when none is connected.</param>
    /// <param name="newcomer">The new connection.</param>
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

    /// <summary>Decides after the holder of the name was asked to prove that it is alive.</summary>
    /// <param name="alive">Whether the holder proved that it is alive.</param>
    /// <param name="current">The current holder of the name.</param>
    /// <param name="newcomer">The new connection.</param>
    public static AdmissionVerdict AfterAsking(bool alive, AgentClaim current, AgentClaim newcomer) => alive
        ? new AdmissionVerdict.Refuse(
            "clone",
            $"Another process with this agent's identity is connected: {current}. Stop one of the two, or "
                + "delete the file 'identity' of the copy and give it another --name.",
            $"Two agents have the same identity; one may be a clone of the other. {current} is connected; {newcomer} "
                + "also calls and is refused. Stop one of them.")
        : new AdmissionVerdict.Admit(OtherProcess: true);
}
