using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;
using Input = ReplicationEngine.Actors.Entities.CoreInput<ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand>;

namespace ReplicationEngine.Simulation.World;

/// <summary>A command with who waits for its answer.</summary>
/// <param name="Envelope">The command.</param>
/// <param name="Reply">Takes the answer.</param>
internal sealed record Letter(
    CommandEnvelope<ProtectedVmCommand> Envelope, TaskCompletionSource<CommandReply> Reply);

/// <summary>
/// The host of one VM's entity within one life of the service: its mailbox and its memory, and the owner that works on
/// the mail. When owners are taken for dead that are not, several of them are at work; only the newest gets mail.
/// </summary>
internal sealed class EntityHost(ServiceNode service, SimVm vm, JournalStore journal)
{
    private static readonly TimeSpan WakeAgain = TimeSpan.FromSeconds(5);
    private readonly Queue<Letter> _mail = new();
    private readonly List<EntityOwner> _takenForDead = [];
    private EntityMemory _memory = new();
    private EntityOwner? _owner;

    /// <summary>The durable state; null while there is none to be seen.</summary>
    public ProtectedVmState? State => _owner?.State;

    /// <summary>The core's phase.</summary>
    public EntityPhase? Phase => _owner?.Phase;

    /// <summary>The number of the last event.</summary>
    public long Sequence => _owner?.Sequence ?? 0;

    /// <summary>Sends a command.</summary>
    public Task<CommandReply> AskAsync(CommandId id, string actor, ProtectedVmCommand command)
    {
        var reply = new TaskCompletionSource<CommandReply>(TaskCreationOptions.RunContinuationsAsynchronously);
        _mail.Enqueue(new Letter(new CommandEnvelope<ProtectedVmCommand>(id, actor, command), reply));
        Wake();
        return reply.Task;
    }

    /// <summary>Recovers the entity when it is not in memory, and works on its mail.</summary>
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

    /// <summary>Nobody needs it.</summary>
    public void TimeOut() => Tell(new Input.Idle());

    /// <summary>Lifts the quarantine after its cause was removed.</summary>
    public void LiftQuarantine() => Tell(new Input.QuarantineLifted());

    /// <summary>Declares the owner dead: another takes its place while it continues.</summary>
    /// <param name="which">Only if it is this one.</param>
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

    /// <summary>An owner's core has ended.</summary>
    /// <param name="owner">The owner.</param>
    /// <param name="pause">Whether nobody needs another one at once, but for mail.</param>
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

    /// <summary>An owner could not be recovered, because the journal cannot be read.</summary>
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

    /// <summary>An owner has nothing left to do.</summary>
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
