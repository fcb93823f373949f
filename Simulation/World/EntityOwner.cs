using System.Collections.Immutable;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;
using Input = ReplicationEngine.Actors.Entities.CoreInput<ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand>;

namespace ReplicationEngine.Simulation.World;

/// <summary>An owner of a VM's entity: one core from its recovery to its end, with its alarm and its effects.</summary>
internal sealed class EntityOwner(
    EntityHost host, ServiceNode service, SimVm vm, JournalStore journal, EntityMemory memory)
{
    private const int PageSize = 50;
    private readonly IVmCore _core = service.Parts.Core(vm.Id, memory);
    private readonly long _number = journal.NextOwner();
    private readonly int _life = service.Life;
    private readonly Dictionary<EffectId, EffectRun> _effects = [];
    private Letter? _current;
    private long _alarm;
    private bool _over;
    private bool _takenForDead;

    /// <summary>The durable state as the owner knows it; null while the owner is not in service.</summary>
    public ProtectedVmState? State => Serves ? _core.State : null;

    /// <summary>The phase of the core.</summary>
    public EntityPhase Phase => _core.Phase;

    /// <summary>The number of the last event that the owner knows.</summary>
    public long Sequence => _core.Head.Sequence;

    /// <summary>Whether the owner can take a command now.</summary>
    public bool CanAccept => !_over && _core.CanAccept;

    /// <summary>Whether the owner is recovered and in service.</summary>
    public bool Serves => _core.Phase is EntityPhase.Ready or EntityPhase.LookingUp or EntityPhase.Persisting;

    /// <summary>Recovers the core from snapshot and stream.</summary>
    public void Recover() => Ask(() =>
    {
        var snapshot = memory.ReadsWholeStream ? null : journal.SnapshotOf(vm.Id);
        return journal.IsTroubled ? Fail : () =>
        {
            if (snapshot is not null)
            {
                Advance(new Input.Offered(snapshot));
            }

            if (!_over)
            {
                ReadOn(_core.Head.Sequence);
            }
        };
    });

    /// <summary>Passes a command to the core.</summary>
    public void Take(Letter letter)
    {
        _current = letter;
        Advance(new Input.Received(letter.Envelope));
    }

    /// <summary>Declares this owner dead and notifies its callers.</summary>
    public void BeTakenForDead()
    {
        _takenForDead = true;
        _current?.Reply.TrySetResult(new CommandReply.Unavailable(
            UnavailableReason.JournalUnavailable, "the entity's owner does not answer"));
        _current = null;
    }

    /// <summary>Ends this owner at once, without a notification.</summary>
    public void Drop()
    {
        _over = true;
        _alarm++;
        foreach (var run in _effects.Values)
        {
            run.Cancel();
        }

        _effects.Clear();
    }

    /// <summary>Gives the core an input and runs its outputs.</summary>
    public void Advance(Input input)
    {
        foreach (var output in _core.Step(input, service.Now).ToArray())
        {
            Run(output, input);
        }

        vm.StateMayHaveChanged();
    }

    private void ReadOn(long after) => Ask(() =>
    {
        var page = journal.IsTroubled ? null : journal.Replay(vm.Id, after, PageSize);
        return page is null ? Fail : () =>
        {
            foreach (var record in page)
            {
                Advance(record);
            }

            if (page.Count == PageSize && !_over)
            {
                ReadOn(after + PageSize);
            }
            else if (!_over)
            {
                Advance(new Input.Recovered());
            }
        };
    });

    private void Fail()
    {
        Drop();
        host.NotRecovered(this);
    }

    private void Run(CoreOutput output, Input input)
    {
        switch (output)
        {
            case CoreOutput.Persist persist:
                Persist(persist.Events);
                break;
            case CoreOutput.FindCommand find:
                Ask(() =>
                {
                    var found = journal.Find(vm.Id, find.CommandId);
                    return () => Advance(found);
                });
                break;
            case CoreOutput.Reply reply:
                var current = _current;
                _current = null;
                current?.Reply.TrySetResult(reply.Answer);
                break;
            case CoreOutput.StartEffect start:
                _effects[start.Effect.Id] = service.Effects.Start(vm, (ProtectedVmEffect)start.Effect);
                break;
            case CoreOutput.CancelEffect cancel:
                if (_effects.Remove(cancel.EffectId, out var run))
                {
                    run.Cancel();
                }

                break;
            case CoreOutput.WakeAt wake:
                SetAlarm(wake.Due);
                break;
            case CoreOutput.SaveSnapshot save:
                journal.Save(vm.Id, save.Snapshot);
                break;
            case CoreOutput.Passivate:
                Drop();
                host.Passivated(this);
                break;
            case CoreOutput.Restart restart:
                Restart(restart.Cause, input);
                break;
            case CoreOutput.Quarantined quarantined:
                service.Checkers.Quarantined(vm, quarantined.Exception);
                break;
            case CoreOutput.SnapshotIgnored:
                service.Checkers.SnapshotIgnored(vm);
                break;
            default:
                throw new InvalidOperationException($"The owner of {vm.Id} does not know the output {output}.");
        }
    }

    private void Persist(ImmutableArray<StoredEvent> events)
    {
        var takenForDead = _takenForDead || journal.TakesForDead();
        var held = takenForDead ? journal.OnItsWay() : TimeSpan.Zero;
        journal.Append(vm.Id, _number, events, held, answer => Later(() =>
        {
            if (answer is Input.Persisted)
            {
                service.Checkers.Persisted(vm, _number, events);
            }

            Advance(answer);
        }));
        if (takenForDead && !_takenForDead)
        {
            service.After(TimeSpan.Zero, () =>
            {
                if (!_over)
                {
                    host.TakeForDead(this);
                }
            });
        }
    }

    private void Restart(Exception? cause, Input input)
    {
        Drop();
        if (cause is not null)
        {
            service.Checkers.Restarted(vm, cause);
        }

        host.Ended(this, pause: input is Input.PersistUnknown);
    }

    private void SetAlarm(DateTimeOffset? due)
    {
        var number = ++_alarm;
        if (due is not { } at)
        {
            return;
        }

        service.After(at - service.Now.Steady, () =>
        {
            if (number == _alarm)
            {
                Advance(new Input.Woken());
                host.Wake();
            }
        });
    }

    /// <summary>Asks the journal and delivers the reply. Both ways take the journal's latency.</summary>
    private void Ask(Func<Action> answered) => service.After(journal.Latency(), () =>
    {
        var answer = answered();
        Later(answer);
    });

    /// <summary>
    /// Runs an action after the journal's latency, unless the owner or the service's process has ended by then.
    /// </summary>
    private void Later(Action action) => service.Later(_life, journal.Latency(), () =>
    {
        if (!_over)
        {
            action();
            host.Wake();
        }
    });
}
