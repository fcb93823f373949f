using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Orchestration.Targets;
using ReplicationEngine.Simulation.Workloads;

namespace ReplicationEngine.Simulation.World;

/// <summary>
/// The models of one VM's disks: at the source with its former histories, of the failed-over machine and of the test
/// machine.
/// </summary>
internal sealed class DiskModels(SimWorld world, SimVm vm)
{
    private readonly List<Lineage> _former = [];
    private long _begins = -1;
    private bool _metReplica;

    /// <summary>The model of the source's disks.</summary>
    public DiskModel Source { get; set; } = new(vm.Shape.Sectors);

    /// <summary>The model of the failed-over machine's disks.</summary>
    public DiskModel? Live { get; private set; }

    /// <summary>The point that machine stands on.</summary>
    public RecoveryPointId LivePoint { get; private set; }

    /// <summary>The model of the test machine's disks.</summary>
    public ulong[]? TestContent { get; set; }

    /// <summary>The newest number that the source gave, as far as anybody was told.</summary>
    public long LastNumber { get; set; }

    /// <summary>What the source's disks held when they were put back, until the volume is open again.</summary>
    public ulong[]? PutBack { get; set; }

    /// <summary>When the source's machine, data or disks were put back last (virtual time).</summary>
    public TimeSpan ForkedAt { get; private set; } = TimeSpan.FromSeconds(-1);

    /// <summary>Whether the source's present history has met the replica there is: that the replica is another one, or
    /// the source's history forked, shows then, and not before.</summary>
    public bool HasAttached => _metReplica && _former.TrueForAll(l => l.Through is not null);

    /// <summary>The source's disks hold something else now: another history begins.</summary>
    /// <param name="content">What they hold.</param>
    /// <param name="wasOff">Whether the machine was off, so that this is what its medium holds.</param>
    public void Forked(ulong[] content, bool wasOff)
    {
        _former.Add(new Lineage(Source));
        ForkedAt = world.Queue.Now;
        Source = wasOff ? DiskModel.From(content) : Source.GoesOnFrom(content, vm.Ledger.SyncBroken);
        (PutBack, LastNumber, vm.Ledger.SourceCut) = (content, 0, false);
    }

    /// <summary>Disks that were put back hold something else before anybody has opened them.</summary>
    public void StillPutBack(ulong[] content) => (Source, PutBack) = (DiskModel.From(content), content);

    /// <summary>A forked source is open: its own numbers begin behind this one.</summary>
    public void BeginsAt(long number) => (LastNumber, _begins) = (number, number);

    /// <summary>The source is protected from nothing: former histories are no part of its replica.</summary>
    public void BeginsAgain()
    {
        _former.Clear();
        _begins = -1;
    }

    /// <summary>A source's session begins: the replica stands where former histories brought it.</summary>
    public void Attaches(ChangePosition replica)
    {
        _metReplica = true;
        foreach (var lineage in _former.Where(l => l.Through is null))
        {
            lineage.Through = replica;
        }
    }

    /// <summary>What a replica holds at a cut; null when the model cannot tell.</summary>
    public ulong[]? ContentAt(ChangePosition cut) =>
        _former.Find(l => l.Through is not { } through || cut.CompareTo(through) <= 0) is { } former
            ? former.Judges ? former.Model.UpTo(cut.Lsn.Value) : null
            : cut.Lsn.Value <= _begins ? null : Source.UpTo(cut.Lsn.Value);

    /// <summary>A machine at the target side begins.</summary>
    public void BeginLive(RecoveredMachine machine)
    {
        LivePoint = machine.Point.Id;
        Live = DiskModel.From(vm.Ledger.Points.TryGetValue(machine.Point.Id, out var known)
            ? known : vm.Shape.Read(i => vm.Target.Live!.Overlay.Disks[i]));
    }

    /// <summary>The machine at the target side is gone.</summary>
    public void EndLive() => Live = null;

    /// <summary>A test machine begins.</summary>
    public void BeginTest(RecoveredMachine machine) => TestContent =
        vm.Ledger.Points.TryGetValue(machine.Point.Id, out var known) ? (ulong[])known.Clone() : null;

    /// <summary>Nothing is left at the target side.</summary>
    public void ForgetTarget() => (Live, TestContent, _metReplica) = (null, null, false);

    private sealed class Lineage(DiskModel model)
    {
        public DiskModel Model { get; } = model;

        public ChangePosition? Through { get; set; }

        public bool Judges => Model.Writes.Count > 0;
    }
}
