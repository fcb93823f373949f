using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Simulation.Planner.Outages;

/// <summary>
/// What there is to be seen of a modelled machine; the engine's own rules (<see cref="VmFacts"/>) say what of it is
/// told to the entity.
/// </summary>
internal static class VmLook
{
    /// <summary>Tells everything there is to be told now.</summary>
    public static void Tell(VmModel vm)
    {
        if (!vm.Core.Running || vm.Core.State.Phase is Phase.NotProtected or Phase.Disabled or Phase.EnableFailed)
        {
            return;
        }

        foreach (var fact in VmFacts.Of(vm.Core.State, Of(vm, vm.Core.State)))
        {
            if (vm.Core.Tell(fact) is not CommandReply.Accepted)
            {
                vm.Log.FactsRefused++;
            }
        }
    }

    /// <summary>The data that would be lost by a failover now, as the agent reports it.</summary>
    public static TimeSpan LagOf(VmModel vm)
    {
        var volume = vm.Active;
        return volume.Backlog <= 64 && !volume.Dirty ? TimeSpan.Zero : vm.Now - volume.Replica().Time;
    }

    private static VmObservation Of(VmModel vm, ProtectedVmState state)
    {
        var away = vm.AwaySince is { } since ? vm.Now - since : TimeSpan.Zero;
        var lag = LagOf(vm);
        return new VmObservation(
            vm.AwaySince is null ? AgentPresence.Connected
                : away >= vm.World.Scenario.Assumptions.AgentLostAfter ? AgentPresence.Away : AgentPresence.Missed,
            vm.Session && !vm.ReplicaLost ? Source(vm, state) : null, Target(vm), lag > away ? lag : away,
            (long)vm.Active.Backlog);
    }

    private static SourceObservation Source(VmModel vm, ProtectedVmState state)
    {
        var volume = vm.Active;
        var marking = volume is { Logging: false, Tracking: false };
        return new SourceObservation
        {
            Role = vm.Role,
            Term = state.Term,
            Capture = marking ? CaptureMode.DirtyMap : CaptureMode.Logging,
            Cause = CauseOf(volume.Cause),
            CauseText = !marking ? "" : volume.NoRoom
                ? "the agent's data directory has no room." : "the replication log reached its limit.",
            DirtyBytes = volume.Dirty ? 1 : 0,
            LagBytes = (long)volume.Backlog,
            DivergentBytes = (long)vm.Divergent,
            Cut = SourceDuty.Of(state)?.Cut is { } cut ? new RecoveredCut(cut.Generation, cut.Lsn) : null,
            Connected = true,
            Streaming = volume.InSync,
            WireBytes = (long)volume.Sent,
            CopiedBytes = state.Replication.Resync is { Stage: ResyncStage.Running } ? (long)vm.Log.ResyncSent(vm) : 0,
            Problems = vm.World.TargetFull
                ? [EffectError.Of(
                    ErrorClass.Recoverable, "The target has no room for the replica.", "Free space at the target.")]
                : [],
        };
    }

    private static TargetObservation Target(VmModel vm) => new()
    {
        Fault = vm.ReplicaLost ? "The replica is gone with the service's storage." : null,
        Resyncing = vm.Forward.ReplicaResyncing,
        Reverse = vm.Live
            ? new ReverseObservation(vm.Reverse.InSync, (long)vm.Reverse.Sent, (long)vm.Reverse.Sent) : null,
    };

    private static DirtyCause CauseOf(ResyncReason reason) => reason switch
    {
        ResyncReason.ForcedShutdown => DirtyCause.UncleanShutdown,
        ResyncReason.LogHalfOfDisk => DirtyCause.BacklogHalfOfDisk,
        ResyncReason.DiskResized => DirtyCause.Resized,
        ResyncReason.ConfigurationChanged or ResyncReason.ChangedOutside => DirtyCause.ChangedOutside,
        ResyncReason.HistoryForked => DirtyCause.HistoryForked,
        ResyncReason.UserRequest => DirtyCause.UserRequest,
        ResyncReason.TransferFailed => DirtyCause.ReplicaUnknown,
        _ => DirtyCause.CacheFull,
    };
}
