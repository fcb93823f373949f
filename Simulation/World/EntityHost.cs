using System.Security.Cryptography;
using System.Text;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Simulation.World;

/// <summary>The host of one VM's kernel within one life of the service: mailbox, answers, alarm.</summary>
internal sealed class EntityHost(ServiceNode service, SimVm vm, JournalStore journal)
{
    private static readonly TimeSpan WakeAgain = TimeSpan.FromSeconds(5);
    private readonly Queue<(CommandEnvelope<ProtectedVmCommand> Envelope, TaskCompletionSource<CommandReply> Reply)>
        _mail = new();

    private IVmKernel? _kernel;
    private TaskCompletionSource<CommandReply>? _current;
    private long _alarm;
    private IReadOnlyList<ArmedTimer> _timers = [];

    /// <summary>The durable state; null while there is none to be seen.</summary>
    public ProtectedVmState? State =>
        _kernel?.Phase is EntityPhase.Ready or EntityPhase.LookingUp or EntityPhase.Appending ? _kernel.State : null;

    /// <summary>The kernel's phase.</summary>
    public EntityPhase? Phase => _kernel?.Phase;

    /// <summary>The number of the last event.</summary>
    public long Sequence => _kernel?.Head.Sequence ?? 0;

    /// <summary>A command id made of a text: the same text, the same id.</summary>
    public static CommandId IdOf(string text)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes(text), hash);
        return new CommandId(new Guid(hash[..16]));
    }

    /// <summary>Sends a command.</summary>
    public Task<CommandReply> AskAsync(CommandId id, string actor, ProtectedVmCommand command)
    {
        var reply = new TaskCompletionSource<CommandReply>(TaskCreationOptions.RunContinuationsAsynchronously);
        _mail.Enqueue((new CommandEnvelope<ProtectedVmCommand>(id, actor, command), reply));
        Wake();
        return reply.Task;
    }

    /// <summary>Loads the entity when it is not, and works on its mail.</summary>
    public void Wake()
    {
        if (_kernel is null)
        {
            if (service.Token is not { } token)
            {
                return;
            }

            _kernel = service.Parts.Kernel(vm.Id, token);
            Advance(new EntityInput<ProtectedVmCommand>.Started([.. _timers]));
        }

        while (_kernel is { CanAccept: true } && _mail.TryDequeue(out var letter))
        {
            _current = letter.Reply;
            Advance(new EntityInput<ProtectedVmCommand>.Submitted(letter.Envelope));
        }
    }

    /// <summary>Nobody needs it.</summary>
    public void TimeOut() => Tell(new EntityInput<ProtectedVmCommand>.IdleTimedOut());

    /// <summary>Its quarantine's cause is removed.</summary>
    public void LiftQuarantine() => Tell(new EntityInput<ProtectedVmCommand>.QuarantineLifted());

    private void Tell(EntityInput<ProtectedVmCommand> input)
    {
        if (_kernel is { Phase: EntityPhase.Ready or EntityPhase.Quarantined })
        {
            Advance(input);
            Wake();
        }
    }

    private void Advance(EntityInput<ProtectedVmCommand> input)
    {
        var kernel = _kernel!;
        foreach (var output in kernel.Step(input, service.Now).ToArray())
        {
            CarryOut(kernel, output);
        }

        vm.StateMayHaveChanged();
    }

    private void CarryOut(IVmKernel kernel, EntityOutput output)
    {
        switch (output)
        {
            case EntityOutput.Append append:
                Answer(kernel, () => new EntityInput<ProtectedVmCommand>.AppendJudged(Judge(append.Request)));
                break;
            case EntityOutput.ReadSnapshot:
                Answer(kernel, () => new EntityInput<ProtectedVmCommand>.SnapshotRead(
                    Now(journal.Snapshots.LoadAsync(vm.Id, default))));
                break;
            case EntityOutput.ReadStream read:
                Answer(kernel, () => Read(read.After));
                break;
            case EntityOutput.FindCommand find:
                Answer(kernel, () => new EntityInput<ProtectedVmCommand>.CommandFound(
                    Now(journal.Journal.FindCommandAsync(vm.Id, find.CommandId, default))));
                break;
            case EntityOutput.TakeEpoch take:
                Answer(kernel, () => service.TakeNewer(take.Stale) is { } token
                    ? new EntityInput<ProtectedVmCommand>.EpochTaken(token)
                    : new EntityInput<ProtectedVmCommand>.EpochRefused("another owner has the lease"));
                break;
            case EntityOutput.Reply reply:
                var current = _current;
                _current = null;
                current?.TrySetResult(reply.Answer);
                break;
            case EntityOutput.Dispatch dispatch:
                service.Dispatch(vm, (ProtectedVmEffect)dispatch.Effect);
                break;
            case EntityOutput.SetAlarm alarm:
                SetAlarm(kernel, alarm.Due);
                break;
            case EntityOutput.SaveSnapshot save:
                Now(journal.Snapshots.SaveAsync(save.Snapshot, default));
                break;
            case EntityOutput.Passivated:
                Retire();
                break;
            case EntityOutput.Stopped stopped:
                Retire();
                Decline(new CommandReply.Unavailable(stopped.Reason, stopped.Message));
                service.Lost();
                service.After(WakeAgain, Wake);
                break;
            case EntityOutput.Quarantined quarantined:
                service.Checkers.Quarantined(vm, quarantined.Exception);
                break;
            case EntityOutput.Restarted restarted:
                service.Checkers.Restarted(vm, restarted.Cause);
                break;
            default:
                break;
        }
    }

    private AppendOutcome Judge(AppendRequest request)
    {
        var outcome = journal.Append(request);
        return outcome is AppendOutcome.Fenced && service.Token is { } own && own.Epoch > request.Token.Epoch
            && own.Epoch == journal.Epoch
            ? new AppendOutcome.Unknown("this node has taken a newer epoch meanwhile") : outcome;
    }

    private EntityInput<ProtectedVmCommand> Read(StreamHead after)
    {
        try
        {
            return new EntityInput<ProtectedVmCommand>.StreamRead(
                Now(journal.Journal.ReadStreamAsync(vm.Id, after, 50, default)));
        }
        catch (JournalCorruptException e)
        {
            return new EntityInput<ProtectedVmCommand>.ReadFailed(e);
        }
    }

    private void Answer(IVmKernel kernel, Func<EntityInput<ProtectedVmCommand>> answer) =>
        service.After(journal.Latency(), () =>
        {
            var input = answer();
            service.After(journal.Latency(), () =>
            {
                if (ReferenceEquals(_kernel, kernel))
                {
                    Advance(input);
                    Wake();
                }
            });
        });

    private void SetAlarm(IVmKernel kernel, DateTimeOffset? due)
    {
        var number = ++_alarm;
        if (due is not { } at)
        {
            return;
        }

        service.After(at - service.Now.Steady, () =>
        {
            if (number == _alarm && ReferenceEquals(_kernel, kernel))
            {
                Advance(new EntityInput<ProtectedVmCommand>.AlarmRang());
                Wake();
            }
        });
    }

    private void Retire()
    {
        _timers = [.. _kernel!.ArmedTimers];
        _kernel = null;
        _alarm++;
        if (_timers.Count > 0)
        {
            var due = _timers.Min(t => t.Due);
            service.After(due - service.Now.Steady, Wake);
        }
    }

    private void Decline(CommandReply reply)
    {
        while (_mail.TryDequeue(out var letter))
        {
            letter.Reply.TrySetResult(reply);
        }
    }

    private static T Now<T>(ValueTask<T> task) => task.AsTask().GetAwaiter().GetResult();

    private static void Now(ValueTask task) => task.AsTask().GetAwaiter().GetResult();
}
