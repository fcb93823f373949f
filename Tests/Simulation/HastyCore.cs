using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Tests.Simulation;

/// <summary>A core that answers a command as soon as its events are on their way.</summary>
internal sealed class HastyCore(IVmCore core) : IVmCore
{
    private CommandId? _asked;

    public EntityPhase Phase => core.Phase;

    public bool CanAccept => core.CanAccept;

    public ProtectedVmState State => core.State;

    public StreamHead Head => core.Head;

    public IReadOnlyList<CoreOutput> Step(CoreInput<ProtectedVmCommand> input, EngineInstant now)
    {
        _asked = input is CoreInput<ProtectedVmCommand>.Received received ? received.Envelope.Id : _asked;
        return [.. core.Step(input, now).SelectMany(Hasten)];
    }

    private IEnumerable<CoreOutput> Hasten(CoreOutput output)
    {
        switch (output)
        {
            case CoreOutput.Persist persist when _asked is { } asked:
                _asked = null;
                return [new CoreOutput.Reply(asked, new CommandReply.Accepted(persist.Events[^1].Sequence)), persist];
            case CoreOutput.Reply when _asked is null:
                return [];
            case CoreOutput.Reply reply:
                _asked = null;
                return [reply];
            default:
                return [output];
        }
    }
}
