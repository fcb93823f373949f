using System.Security.Cryptography;
using System.Text;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Orchestration.Effects;

/// <summary>
/// The ids of commands that the engine itself sends. Each id is derived from the command's content, so a command that
/// is sent twice, even across a restart, takes effect once (I19).
/// </summary>
public static class EngineCommandIds
{
    /// <summary>Returns the id derived from a text. Equal texts give equal ids.</summary>
    public static CommandId Of(string text)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes(text), hash);
        return new CommandId(new Guid(hash[..16]));
    }

    /// <summary>Returns the id of an observation that differs from what a VM's state says.</summary>
    /// <param name="vm">The name of the VM.</param>
    /// <param name="fact">The observation.</param>
    /// <param name="sequence">The number of the last event of that state, because the same observation may be made
    /// again later.</param>
    public static CommandId OfFact(string vm, ProtectedVmCommand fact, long sequence) =>
        Of($"{vm}|{fact.GetType().Name}|{sequence}|{fact}");

    /// <summary>Returns the id of the command that reports a connected agent to a VM.</summary>
    /// <param name="vm">The name of the VM.</param>
    /// <param name="fact">The command.</param>
    /// <param name="sequence">The number of the VM's last event at that time.</param>
    public static CommandId OfConnection(string vm, ProtectedVmCommand fact, long sequence) =>
        Of($"{vm}|{fact.GetType().Name}|connected|{sequence}");

    /// <summary>Returns the id of an effect's outcome.</summary>
    /// <param name="id">The id of the entity that requested the effect.</param>
    /// <param name="effect">The effect.</param>
    /// <param name="outcome">The outcome. Success and failure have different ids, because a retry may end
    /// differently.</param>
    public static CommandId OfOutcome(PersistenceId id, EffectId effect, ProtectedVmCommand outcome) =>
        Of($"{id}|{effect}|{outcome.GetType().Name}");
}
