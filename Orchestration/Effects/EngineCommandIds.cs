using System.Security.Cryptography;
using System.Text;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Orchestration.Effects;

/// <summary>
/// The ids of the commands that the engine sends itself. Each is made of what the command says, so that one that is
/// sent twice, by this life of the service or the next, takes effect once (I19).
/// </summary>
public static class EngineCommandIds
{
    /// <summary>Returns the id that is made of a text: the same text, the same id.</summary>
    public static CommandId Of(string text)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes(text), hash);
        return new CommandId(new Guid(hash[..16]));
    }

    /// <summary>Returns the id of an observation that differs from what a VM's state says.</summary>
    /// <param name="vm">The VM.</param>
    /// <param name="fact">The observation.</param>
    /// <param name="sequence">The number of the last event of that state: the same may be observed again later.</param>
    public static CommandId OfFact(string vm, ProtectedVmCommand fact, long sequence) =>
        Of($"{vm}|{fact.GetType().Name}|{sequence}|{fact}");

    /// <summary>Returns the id of the news that a VM's agent has connected.</summary>
    /// <param name="vm">The VM.</param>
    /// <param name="fact">The news.</param>
    /// <param name="sequence">The number of the last event that the VM had then.</param>
    public static CommandId OfConnection(string vm, ProtectedVmCommand fact, long sequence) =>
        Of($"{vm}|{fact.GetType().Name}|connected|{sequence}");

    /// <summary>Returns the id of an effect's outcome.</summary>
    /// <param name="id">The entity that asked for the effect.</param>
    /// <param name="effect">The effect.</param>
    /// <param name="outcome">Its outcome: success and failure are told apart, since a retry may end otherwise.</param>
    public static CommandId OfOutcome(PersistenceId id, EffectId effect, ProtectedVmCommand outcome) =>
        Of($"{id}|{effect}|{outcome.GetType().Name}");
}
