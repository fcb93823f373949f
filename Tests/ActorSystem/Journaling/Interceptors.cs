using System.Collections.Concurrent;
using Akka.Actor;
using Akka.Persistence;
using Akka.Persistence.TestKit;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Persistence;
using ReplicationEngine.Tests.TestKit;

namespace ReplicationEngine.Tests.ActorSystem.Journaling;

/// <summary>What becomes of a command's events.</summary>
public enum WriteOutcome
{
    /// <summary>They are stored, and the journal says so.</summary>
    Stored,

    /// <summary>They are not stored, and the journal fails.</summary>
    FailedBefore,

    /// <summary>They are stored, but the journal fails all the same: the answer was lost.</summary>
    FailedAfter,

    /// <summary>The journal refuses them.</summary>
    Rejected,
}

/// <summary>
/// Gives one write after the other the outcomes listed; those that follow are stored. The test kit's journal stores
/// the events of a command one by one, so a command is refused at its first event: it is stored whole or not at all,
/// as an engine may demand.
/// </summary>
internal sealed class Outcomes(KitStore store, IActorRef journal, IEnumerable<WriteOutcome> outcomes)
    : IJournalInterceptor
{
    private readonly ConcurrentQueue<WriteOutcome> _outcomes = new(outcomes);
    private readonly ConcurrentDictionary<string, byte> _doubles = new();
    private readonly ConcurrentDictionary<PersistenceId, bool> _losesAnswer = new();
    private int _writes;

    /// <summary>How many commands' events came.</summary>
    public int Writes => Volatile.Read(ref _writes);

    public async Task InterceptAsync(IPersistentRepresentation message)
    {
        if (_doubles.ContainsKey(message.WriterGuid))
        {
            return;
        }

        var stored = (StoredEvent)message.Payload;
        var id = PersistenceIdText.Read(message.PersistenceId)!.Value;
        var records = await store.RecordsAsync(id, default);
        if (records.Count == 0 || records[^1].EndsCommand)
        {
            Begin(id);
        }

        if (stored.EndsCommand && _losesAnswer.TryRemove(id, out _))
        {
            await StoreAsync(id, message);
            throw new TestJournalFailureException("The journal's answer was lost.");
        }
    }

    private void Begin(PersistenceId id)
    {
        Interlocked.Increment(ref _writes);
        switch (_outcomes.TryDequeue(out var outcome) ? outcome : WriteOutcome.Stored)
        {
            case WriteOutcome.FailedBefore:
                throw new TestJournalFailureException("The journal fails.");
            case WriteOutcome.Rejected:
                throw new TestJournalRejectionException("The journal refuses this.");
            case WriteOutcome.FailedAfter:
                _losesAnswer[id] = true;
                break;
        }
    }

    /// <summary>Has the journal store the event by a write of its own, which nobody waits for.</summary>
    private async Task StoreAsync(PersistenceId id, IPersistentRepresentation message)
    {
        var writer = message.WriterGuid + "+";
        _doubles[writer] = 0;
        var again = message.Update(
            message.SequenceNr, message.PersistenceId, message.IsDeleted, ActorRefs.NoSender, writer);
        journal.Tell(new WriteMessages([new AtomicWrite(again)], ActorRefs.Nobody, 0), ActorRefs.NoSender);
        await Eventually.HoldsAsync(async () =>
            (await store.RecordsAsync(id, default)).Any(record => record.Sequence == message.SequenceNr));
    }
}

/// <summary>Holds what passes through until the test lets it pass.</summary>
internal sealed class Gate(bool thenFails = false) : IJournalInterceptor
{
    private readonly TaskCompletionSource _entered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Done when something waits at it.</summary>
    public Task Entered => _entered.Task;

    public void Open() => _opened.TrySetResult();

    public async Task InterceptAsync(IPersistentRepresentation message)
    {
        _entered.TrySetResult();
        await _opened.Task;
        if (thenFails)
        {
            throw new TestJournalFailureException("The journal fails.");
        }
    }
}
