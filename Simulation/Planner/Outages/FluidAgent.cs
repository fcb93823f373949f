using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Simulation.Planner.Outages;

/// <summary>The agent of one machine over its fluid volumes: it obeys directives, marks points and reports.</summary>
internal sealed class FluidAgent(VmModel vm)
{
    private string? _copy;

    /// <summary>What it was told last; null before the machine is protected.</summary>
    public VolumeDirective? Directed { get; private set; }

    /// <summary>What the source side is; the machine runs before it is protected.</summary>
    public SourceRole Role => Directed?.Role ?? SourceRole.Released;

    /// <summary>Whether a directive came since the agent started.</summary>
    public bool Confirmed { get; set; } = true;

    /// <summary>Whether replication was started.</summary>
    public bool Replicating { get; private set; }

    /// <summary>Bytes that the source wrote and the target does not stand on.</summary>
    public double Divergent { get; set; }

    /// <summary>Answers what the service asks.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The service asks for something that the model does not
    /// have.</exception>
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

    /// <summary>What the agent reports now.</summary>
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
