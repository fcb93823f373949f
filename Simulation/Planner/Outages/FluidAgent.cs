using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Simulation.Planner.Outages;

/// <summary>
/// Models the agent of one machine over its fluid volumes: the agent obeys directives, inserts the markers of recovery
/// points and reports.
/// </summary>
internal sealed class FluidAgent(VmModel vm)
{
    private string? _copy;

    /// <summary>The newest directive that the agent received; null before the machine is protected.</summary>
    public VolumeDirective? Directed { get; private set; }

    /// <summary>
    /// The role of the source side; <see cref="SourceRole.Released"/>, in which the machine runs, before it is
    /// protected.
    /// </summary>
    public SourceRole Role => Directed?.Role ?? SourceRole.Released;

    /// <summary>Whether the agent has received a directive since it last started.</summary>
    public bool Confirmed { get; set; } = true;

    /// <summary>Whether the agent replicates: replication was started, and the source was not released since.</summary>
    public bool Replicating { get; private set; }

    /// <summary>
    /// The bytes that the source wrote after the recovery point on which the recovered machine is based; 0 before the
    /// first failover.
    /// </summary>
    public double Divergent { get; set; }

    /// <summary>Handles a request of the service and returns the reply.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The model does not support the request.</exception>
    public AgentReply Answer(AgentRequest request)
    {
        vm.Advance(vm.Now);
        return request switch
        {
            AgentRequest.Inspect inspect => new AgentReply.Inspected(
                [.. inspect.Disks.Select((path, i) => new InspectedDisk(path, vm.Plan.Disks[i]))], []),
            AgentRequest.Direct direct => Obey(direct.Directive),
            AgentRequest.InsertMarker mark => Mark(mark),
            _ => throw new ArgumentOutOfRangeException(nameof(request), request, "The model has no answer."),
        };
    }

    /// <summary>Returns the status that the agent reports now.</summary>
    public VolumeStatus Status()
    {
        var volume = vm.Active;
        var marking = volume is { Logging: false, Tracking: false };
        var text = !marking ? "" : volume.NoRoom
            ? "the agent's data directory has no room." : "the replication log reached its limit.";
        var phase = volume.InSync ? TransferPhase.Streaming : TransferPhase.Resync;
        var lag = vm.Lag();
        return new VolumeStatus(
            vm.Plan.Name, Role, Directed?.Term ?? 0, [], marking ? CaptureMode.DirtyMap : CaptureMode.Logging,
            CauseOf(volume.Cause), text, volume.Generation, vm.TailOf(volume).Lsn.Value, 0, 0, (long)volume.Backlog,
            lag == TimeSpan.Zero ? null : lag.TotalSeconds, volume.Dirty ? 1 : 0, (long)volume.Backlog,
            (long)Divergent,
            new TransferStatus(
                phase, true, 0, 0, 0, null, (long)volume.Sent, (long)volume.Sent, (long)vm.Log.ResyncSent(vm), default),
            vm.World.TargetFull
                ? [new VolumeProblem(
                    "target-full", "The target has no room for the replica.", "Free space at the target.", true)]
                : [],
            vm.World.Clock.GetUtcNow()) { Cut = Directed?.Cut };
    }

    private AgentReply.MarkerInserted Mark(AgentRequest.InsertMarker mark)
    {
        var place = vm.TailOf(vm.Forward);
        vm.InsertMarker(new Marker(new(mark.PointId), mark.Kind, vm.Tail(), vm.Forward.Generation));
        return new AgentReply.MarkerInserted(place.Generation.Value, place.Lsn.Value, mark.AskedAt, mark.Kind, null);
    }

    private AgentReply.Directed Obey(VolumeDirective directive)
    {
        var before = Role;
        (Confirmed, Directed) = (true, directive);
        switch (Role)
        {
            case SourceRole.Fenced when before != SourceRole.Fenced:
                vm.Log.SourceFenced(vm);
                break;
            case SourceRole.Primary when before == SourceRole.ReverseReplica:
                vm.Forward.Track(vm.Now);
                vm.BootedAt = vm.Now + vm.Plan.Boot;
                break;
            case SourceRole.ReverseReplica when directive.Replicating && vm.Reverse.Tracking:
                vm.Reverse.EndTracking(Divergent, vm.Now);
                break;
            case SourceRole.Released:
                (Replicating, _copy) = (false, null);
                vm.DropMarkers();
                break;
        }

        if (Role == SourceRole.Primary && directive.Replicating)
        {
            Replicate();
        }

        if (directive.CopyId is { } copy && copy != _copy)
        {
            _copy = copy;
            vm.Forward.StartCopy(vm.Plan.Used, 0, ResyncReason.UserRequest);
        }

        vm.World.Queue.After(TimeSpan.Zero, vm.Refresh);
        return new AgentReply.Directed(Status());
    }

    private void Replicate()
    {
        if (!Replicating)
        {
            Replicating = true;
            var copies = vm.Log.Enabled > 1 || !vm.World.Scenario.Assumptions.InitialCopyDone;
            var used = copies ? vm.Plan.Used : 0;
            vm.Forward.StartCopy(used, used, ResyncReason.TransferFailed);
        }
        else if (vm.Forward.Tracking)
        {
            vm.Target.Points.Drop(_ => true);
            vm.Forward.EndTracking(0, vm.Now);
        }
    }

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
