using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Persistence.Serialization.ProtectedVms;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>
/// I17: a stream replayed from its first event, and from its snapshot on, gives the state that is served; the
/// invariants hold after each event.
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
        var whole = Fold(vm, new ProtectedVmState(), events.Take((int)vm.Host.Sequence));
        var expected = Codec.EncodeState(whole);
        if (!expected.AsSpan().SequenceEqual(Codec.EncodeState(live)))
        {
            throw Broken(vm, $"{events.Count} events replayed give another state than the one served");
        }

        var snapshot = world.Journal.Snapshots.LoadAsync(vm.Id, default).AsTask().GetAwaiter().GetResult();
        if (snapshot is not null)
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

    private ProtectedVmState Fold(
        SimVm vm, ProtectedVmState state, IEnumerable<Actors.Journaling.StoredEvent> events)
    {
        foreach (var stored in events)
        {
            try
            {
                state = ProtectedVm.Evolve(state, Codec.Decode(stored.Name, stored.Payload));
                ProtectedVm.CheckInvariants(state);
            }
            catch (Exception e) when (e is Engine.Kernel.ImpossibleEventException
                or Engine.Kernel.InvariantViolationException)
            {
                throw Broken(vm, $"event {stored.Sequence} {stored.Name}: {e.Message}");
            }
        }

        return state;
    }
}
