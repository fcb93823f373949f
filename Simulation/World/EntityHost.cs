using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;
using Input = ReplicationEngine.Actors.Entities.CoreInput<ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand>;

namespace ReplicationEngine.Simulation.World;

/// <summary>A command together with the receiver of its reply.</summary>
/// <param name="Envelope">The command.</param>
/// <param name="Reply">The task source that receives the reply.</param>
internal sealed record Letter(
    CommandEnvelope<ProtectedVmCommand> Envelope, TaskCompletionSource<CommandReply> Reply);

/// <summary>
/// The host of one VM's entity in one life of the service's process, from its start to its death: the mailbox, the
/// memory, and the owner that processes the messages. When living owners are declared dead, several owners run at once;
/// only the newest one gets messages.
/// </summary>
internal sealed class EntityHost(ServiceNode service, SimVm vm, JournalStore journal)
{
    private static readonly TimeSpan WakeAgain = TimeSpan.FromSeconds(5);
    private readonly Queue<Letter> _mail = new();
    private readonly List<EntityOwner> _takenForDead = [];
    private EntityMemory _memory = new();
    private EntityOwner? _owner;

    /// <summary>The durable state; null while no owner is in service.</summary>
    public ProtectedVmState? State => _owner?.State;

    /// <summary>The phase of the owner's core; null while there is no owner.</summary>
    public EntityPhase? Phase => _owner?.Phase;

    /// <summary>The number of the last event that the owner knows; 0 while there is no owner.</summary>
    public long Sequence => _owner?.Sequence ?? 0;

    /// <summary>Sends a command to the entity and returns its reply.</summary>
    public Task<CommandReply> AskAsync(CommandId id, string actor, ProtectedVmCommand command)
    {
        var reply = new TaskCompletionSource<CommandReply>(TaskCreationOptions.RunContinuationsAsynchronously);
        _mail.Enqueue(new Letter(new CommandEnvelope<ProtectedVmCommand>(id, actor, command), reply));
        Wake();
        return reply.Task;
    }

    /// <summary>Recovers the entity if it is not in memory, and processes its messages.</summary>
    public void Wake()
    {
        if (_owner is null)
        {
            _owner = new EntityOwner(this, service, vm, journal, _memory);
            _owner.Recover();
        }

        while (_owner is { CanAccept: true } && _mail.TryDequeue(out var letter))
        {
            _owner.Take(letter);
        }
    }

    /// <summary>Notifies the owner that the entity has not been used for a while.</summary>
    public void TimeOut() => Tell(new Input.Idle());

    /// <summary>Lifts the quarantine of the entity after its cause was removed.</summary>
    public void LiftQuarantine() => Tell(new Input.QuarantineLifted());

    /// <summary>Declares the owner dead. Another owner replaces it while it continues to run.</summary>
    /// <param name="which">The owner that must be the present one for the call to have an effect; null for any.</param>
    public void TakeForDead(EntityOwner? which = null)
    {
        if (_owner is { Serves: true } owner && (which is null || ReferenceEquals(owner, which)))
        {
            owner.BeTakenForDead();
            _takenForDead.Add(owner);
            _owner = null;
            _memory = new EntityMemory();
            Wake();
        }
    }

    /// <summary>Ends the owners that were declared dead.</summary>
    public void BuryTheDead()
    {
        _takenForDead.ForEach(owner => owner.Drop());
        _takenForDead.Clear();
    }

    /// <summary>Called when the core of an owner has ended.</summary>
    /// <param name="owner">The owner whose core has ended.</param>
    /// <param name="pause">Whether the host waits before it recovers the entity again, unless messages are
    /// waiting.</param>
    public void Ended(EntityOwner owner, bool pause)
    {
        if (!Forget(owner))
        {
            return;
        }

        if (pause && _mail.Count == 0)
        {
            service.After(WakeAgain, Wake);
        }
        else
        {
            Wake();
        }
    }

    /// <summary>Called when an owner could not be recovered because the journal cannot be read.</summary>
    public void NotRecovered(EntityOwner owner)
    {
        if (Forget(owner))
        {
            while (_mail.TryDequeue(out var letter))
            {
                letter.Reply.TrySetResult(new CommandReply.Unavailable(
                    UnavailableReason.JournalUnavailable, "the journal cannot be read now"));
            }

            service.After(WakeAgain, Wake);
        }
    }

    /// <summary>Called when an owner has no work left.</summary>
    public void Passivated(EntityOwner owner)
    {
        if (Forget(owner) && !_memory.Timers.IsEmpty)
        {
            service.After(_memory.Timers.Min(t => t.Due) - service.Now.Steady, Wake);
        }
    }

    private bool Forget(EntityOwner owner)
    {
        _takenForDead.Remove(owner);
        if (!ReferenceEquals(owner, _owner))
        {
            return false;
        }

        _owner = null;
        return true;
    }

    private void Tell(Input input)
    {
        if (_owner is { Phase: EntityPhase.Ready or EntityPhase.Quarantined } owner)
        {
            owner.Advance(input);
            Wake();
        }
    }
}
