using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Orchestration.Targets;
using ReplicationEngine.Simulation.Workloads;

namespace ReplicationEngine.Simulation.World;

/// <summary>
/// The models of one VM's disks: the source with its former histories, the recovered machine, and the test machine.
/// </summary>
internal sealed class DiskModels(SimWorld world, SimVm vm)
{
    private readonly List<Lineage> _former = [];
    private long _begins = -1;
    private bool _metReplica;

    /// <summary>The model of the source's disks.</summary>
    public DiskModel Source { get; set; } = new(vm.Shape.Sectors);

    /// <summary>The model of the recovered machine's disks; null while no machine is recovered.</summary>
    public DiskModel? Live { get; private set; }

    /// <summary>The recovery point from which the recovered machine was started.</summary>
    public RecoveryPointId LivePoint { get; private set; }

    /// <summary>
    /// The expected content of the test machine's disks; null when it is unknown or no test machine runs.
    /// </summary>
    public ulong[]? TestContent { get; set; }

    /// <summary>The newest number that the source is known to have given.</summary>
    public long LastNumber { get; set; }

    /// <summary>
    /// The content of the source's disks when they were restored; null once the volume is open again.
    /// </summary>
    public ulong[]? PutBack { get; set; }

    /// <summary>The virtual time at which the source's machine, data or disks were restored last.</summary>
    public TimeSpan ForkedAt { get; private set; } = TimeSpan.FromSeconds(-1);

    /// <summary>
    /// Whether the source's present history has met the present replica. Only then does it show that the replica was
    /// replaced or that the source's history forked.
    /// </summary>
    public bool HasAttached => _metReplica && _former.TrueForAll(l => l.Through is not null);

    /// <summary>Begins a new history, because the source's disks hold other content now.</summary>
    /// <param name="content">The new content of the disks.</param>
    /// <param name="wasOff">Whether the machine was off, so that the medium holds this content.</param>
    public void Forked(ulong[] content, bool wasOff)
    {
        _former.Add(new Lineage(Source));
        ForkedAt = world.Queue.Now;
        Source = wasOff ? DiskModel.From(content) : Source.GoesOnFrom(content, vm.Ledger.SyncBroken);
        (PutBack, LastNumber, vm.Ledger.SourceCut) = (content, 0, false);
    }

    /// <summary>Records that restored disks hold other content before anybody has opened them.</summary>
    public void StillPutBack(ulong[] content) => (Source, PutBack) = (DiskModel.From(content), content);

    /// <summary>Records that a forked source is open and that its own numbers begin after this one.</summary>
    public void BeginsAt(long number) => (LastNumber, _begins) = (number, number);

    /// <summary>
    /// Forgets the former histories, because protection of the source begins again: they are not part of its new
    /// replica.
    /// </summary>
    public void BeginsAgain()
    {
        _former.Clear();
        _begins = -1;
    }

    /// <summary>
    /// Records that a session of the source begins: the former histories brought the replica to this position.
    /// </summary>
    public void Attaches(ChangePosition replica)
    {
        _metReplica = true;
        foreach (var lineage in _former.Where(l => l.Through is null))
        {
            lineage.Through = replica;
        }
    }

    /// <summary>Returns the content of a replica at a cut; null when the model does not know it.</summary>
    public ulong[]? ContentAt(ChangePosition cut) =>
        _former.Find(l => l.Through is not { } through || cut.CompareTo(through) <= 0) is { } former
            ? former.Judges ? former.Model.UpTo(cut.Lsn.Value) : null
            : cut.Lsn.Value <= _begins ? null : Source.UpTo(cut.Lsn.Value);

    /// <summary>Begins the model of a recovered machine.</summary>
    public void BeginLive(RecoveredMachine machine)
    {
        LivePoint = machine.Point.Id;
        Live = DiskModel.From(vm.Ledger.Points.TryGetValue(machine.Point.Id, out var known)
            ? known : vm.Shape.Read(i => vm.Target.Live!.Overlay.Disks[i]));
    }

    /// <summary>Ends the model of the recovered machine.</summary>
    public void EndLive() => Live = null;

    /// <summary>Begins the model of a test machine.</summary>
    public void BeginTest(RecoveredMachine machine) => TestContent =
        vm.Ledger.Points.TryGetValue(machine.Point.Id, out var known) ? (ulong[])known.Clone() : null;

    /// <summary>Forgets the target side after everything there was deleted.</summary>
    public void ForgetTarget() => (Live, TestContent, _metReplica) = (null, null, false);

    private sealed class Lineage(DiskModel model)
    {
        public DiskModel Model { get; } = model;

        public ChangePosition? Through { get; set; }

        public bool Judges => Model.Writes.Count > 0;
    }
}
