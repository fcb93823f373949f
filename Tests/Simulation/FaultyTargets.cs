using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas;
using ReplicationEngine.DataPlane.Transport;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Orchestration.Sources;
using ReplicationEngine.Orchestration.Targets;

namespace ReplicationEngine.Tests.Simulation;

/// <summary>A target side with a fault built in.</summary>
/// <param name="volume">The sound one.</param>
internal sealed class FaultyTarget(TargetVolume volume) : ITargetVolume
{
    /// <summary>A point that is in the list is pruned too.</summary>
    public bool PrunesOneMore { get; init; }

    /// <summary>The removal of a test machine leaves it.</summary>
    public bool LeavesTest { get; init; }

    /// <summary>A machine that was let go leaves its disks.</summary>
    public bool LeavesLive { get; init; }

    /// <summary>A failback does not wait for the source side.</summary>
    public bool WaitsForNothing { get; init; }

    /// <summary>What is told of the data that a failover loses.</summary>
    public Func<TimeSpan, TimeSpan> Bound { get; init; } = bound => bound;

    /// <summary>The moment before which nothing of a report was observed.</summary>
    public Func<SourceObservation, ServiceMoment?, ServiceMoment?> Moment { get; init; } = (_, before) => before;

    public bool Receiving => volume.Receiving;

    public bool HasLive => volume.HasLive;

    public TargetObservation Observe() => volume.Observe();

    public void NoteReport(SourceObservation observation, ServiceMoment? before) =>
        volume.NoteReport(observation, Moment(observation, before));

    public string? NoRoomFor(int disks) => volume.NoRoomFor(disks);

    public void ForgetFault() => volume.ForgetFault();

    public Task PrepareAsync(IReadOnlyList<DiskSpec> disks, Term term, CancellationToken cancellationToken) =>
        volume.PrepareAsync(disks, term, cancellationToken);

    public void Fence(Term term) => volume.Fence(term);

    public Task<bool> WaitForAsync(ChangePosition position, bool giveUpWhenIdle, CancellationToken ct) =>
        volume.WaitForAsync(position, giveUpWhenIdle, ct);

    public bool HasPoint(RecoveryPointId point) => volume.HasPoint(point);

    public void NoteAsked(RecoveryPointId point) => volume.NoteAsked(point);

    public void SealNow(RecoveryPointId point) => volume.SealNow(point);

    public void Prune(IReadOnlyList<RecoveryPointId> points) => volume.Prune(!PrunesOneMore ? points
        : [.. points, .. volume.Opened().Points.Select(p => p.Id).Where(id => !points.Contains(id)).Take(1)]);

    public void Settle(RecoveryPointId point) => volume.Settle(point);

    public Task<RecoveredMachine> StartTestAsync(RecoveryPointId point, CancellationToken ct) =>
        volume.StartTestAsync(point, ct);

    public Task RemoveTestAsync() => LeavesTest ? Task.CompletedTask : volume.RemoveTestAsync();

    public async Task<RecoveredMachine> FailOverAsync(RecoveryPointId point, Term term, CancellationToken ct) =>
        Told(await volume.FailOverAsync(point, term, ct));

    public async Task<RecoveredMachine> SwitchAsync(RecoveryPointId point, Term term, CancellationToken ct) =>
        Told(await volume.SwitchAsync(point, term, ct));

    public RecoveredMachine RequireLive() => volume.RequireLive();

    public void ResyncLive() => volume.ResyncLive();

    public async Task<ChangePosition> QuiesceLiveAsync(CancellationToken ct) =>
        WaitsForNothing ? volume.Live!.Source!.Quiesce() : await volume.QuiesceLiveAsync(ct);

    public Task ReopenLiveAsync(Term term, CancellationToken ct) => volume.ReopenLiveAsync(term, ct);

    public async Task RemoveLiveAsync(Term term)
    {
        var point = volume.Live?.Point.Id;
        await volume.RemoveLiveAsync(term);
        if (LeavesLive && point is { } left)
        {
            volume.Opened().CreateOverlay(TargetVolume.LiveName, left).Dispose();
        }
    }

    public Task AdoptAsync() => volume.AdoptAsync();

    private RecoveredMachine Told(RecoveredMachine machine) =>
        machine with { RpoBound = Bound(machine.RpoBound) };
}

/// <summary>A target side that hears whoever sends, under whatever term, also after a failover.</summary>
internal sealed class CredulousStream(TargetVolume volume) : ITargetStream
{
    public SessionOffer? OfferToReceive() => volume.Store is { } store
        ? SessionOffer.Receive(new Unfenced(store), [.. store.Disks.Select(d => d.SizeBytes)])
        : volume.OfferToReceive();

    public IReplicaSink Receive(Term term) => new Unfenced(volume.Opened());

    public SessionOffer? OfferToSend() => volume.OfferToSend();

    /// <summary>Shows no term, and takes each batch as if its sender had the newest one.</summary>
    private sealed class Unfenced(ReplicaStore store) : IReplicaSink
    {
        public ReplicaPosition Position => store.Position with { Term = default };

        public IReadOnlyList<ExtentRange>? ChangedSince(MarkedPosition floor) => store.ChangedSince(floor);

        public void NameSource(Guid incarnation) => store.NameSource(incarnation);

        public void Apply(ReadOnlyMemory<byte> records)
        {
            store.AcceptTerm(store.Position.Term);
            store.Apply(records);
        }

        public void NoteBlockHashes(int disk, long firstBlock, ReadOnlySpan<byte> hashes) =>
            store.NoteBlockHashes(disk, firstBlock, hashes);

        public void CompareBlocks(int disk, long firstBlock, ReadOnlySpan<byte> hashes, Span<bool> differs) =>
            store.CompareBlocks(disk, firstBlock, hashes, differs);

        public bool TryReadBlockHashes(int disk, long firstBlock, Span<byte> hashes) =>
            store.TryReadBlockHashes(disk, firstBlock, hashes);

        public void EndResync(ChangePosition consistentFrom) => store.EndResync(consistentFrom);

        public ChangePosition Sync() => store.Sync();

        public void Resize(int disk, long sizeBytes) => store.Resize(disk, sizeBytes);
    }
}

/// <summary>Data sessions that a target side cannot end before a machine runs there.</summary>
internal sealed class EndlessSessions(ITargetSessions sessions) : ITargetSessions
{
    public bool Receiving => sessions.Receiving;

    public ReverseStream? Reverse => sessions.Reverse;

    public Task EndAsync() => Receiving ? Task.CompletedTask : sessions.EndAsync();
}
