using System.Collections.Immutable;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Persistence.Serialization.ProtectedVms;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>
/// I17: replaying a stream from its first event, or from its snapshot, gives the state that is served. The aggregate's
/// invariants hold after each event. Each recorded command, decided again in the state before it, leads to the same
/// events.
/// </summary>
internal sealed class ReplayChecker(SimWorld world) : Checker
{
    private static readonly ProtectedVmCodec Codec = new();

    /// <inheritdoc/>
    public override string Id => "I17";

    /// <inheritdoc/>
    public override void End(SimVm vm)
    {
        if (vm.Host.State is not { } live)
        {
            return;
        }

        var events = world.Journal.EventsOf(vm.Id);
        DecideAgain(vm, events);
        var whole = Fold(vm, new ProtectedVmState(), events.Take((int)vm.Host.Sequence));
        var expected = Codec.EncodeState(whole);
        if (!expected.AsSpan().SequenceEqual(Codec.EncodeState(live)))
        {
            throw Broken(vm, $"{events.Count} events replayed give another state than the one served");
        }

        if (world.Journal.SnapshotOf(vm.Id) is { IsIntact: true } snapshot)
        {
            var tail = events.Skip((int)snapshot.Head.Sequence)
                .Take((int)(vm.Host.Sequence - snapshot.Head.Sequence));
            var fromSnapshot = Fold(vm, Codec.DecodeState(snapshot.Payload), tail);
            if (!expected.AsSpan().SequenceEqual(Codec.EncodeState(fromSnapshot)))
            {
                throw Broken(vm, $"snapshot {snapshot.Head.Sequence} and its tail give another state than the whole");
            }
        }
    }

    private void DecideAgain(SimVm vm, IReadOnlyList<StoredEvent> events)
    {
        var (state, first) = (new ProtectedVmState(), 0);
        for (var i = 0; i < events.Count; i++)
        {
            if (events[i].Command is not { } recorded)
            {
                continue;
            }

            var own = events.Skip(first).Take(i + 1 - first).ToArray();
            var context = new DecisionContext(events[i].Time, events[i].CommandId, events[i].Actor)
            {
                Steady = recorded.Steady, Digest = recorded.Digest,
            };
            var decided = ProtectedVm.Decide(
                state, Codec.DecodeCommand(recorded.Name, recorded.Payload), context);
            if (decided is not Decision<ProtectedVmEvent>.Accepted accepted || !AreEqual(accepted.Events, own))
            {
                throw Broken(vm, $"{recorded.Name} of event {events[i].Sequence}, decided again, gives {decided}");
            }

            state = Fold(vm, state, own);
            first = i + 1;
        }
    }

    private static bool AreEqual(ImmutableArray<ProtectedVmEvent> decided, StoredEvent[] stored) =>
        decided.Length == stored.Length && decided.Zip(stored).All(pair =>
            Codec.Encode(pair.First) is var encoded && encoded.Name == pair.Second.Name
            && encoded.Payload.AsSpan().SequenceEqual(pair.Second.Payload));

    private ProtectedVmState Fold(SimVm vm, ProtectedVmState state, IEnumerable<StoredEvent> events)
    {
        foreach (var stored in events)
        {
            try
            {
                state = ProtectedVm.Evolve(state, Codec.Decode(stored.Name, stored.Payload));
                ProtectedVm.CheckInvariants(state);
            }
            catch (Exception e) when (e is ImpossibleEventException or InvariantViolationException)
            {
                throw Broken(vm, $"event {stored.Sequence} {stored.Name}: {e.Message}");
            }
        }

        return state;
    }
}
