using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.DataPlane.DataDirectories;
using ReplicationEngine.DataPlane.Replicas;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Orchestration.Effects;
using ReplicationEngine.Orchestration.Targets;
using ReplicationEngine.Persistence.Replay;
using ReplicationEngine.Persistence.Serialization.ProtectedVms;
using ReplicationEngine.Vault.Effects;

namespace ReplicationEngine.Vault.Replicas;

/// <summary>A VM whose history starts again.</summary>
/// <param name="Command">The decision.</param>
/// <param name="State">The VM's new state.</param>
/// <param name="Was">The name of the last known phase; null when it is not known.</param>
public sealed record RecoveredVm(ProtectedVmCommand.Recover Command, ProtectedVmState State, string? Was);

/// <summary>
/// Makes a journal from replicas (<c>drctl recover</c>). An interruption is harmless because of the order: the new
/// journal is complete in a directory of its own before the replicas' identities name it, and a rename puts it in place
/// last. Until then the data directory has no journal that a service would start on, and the command can be run again.
/// </summary>
public sealed class JournalRecovery(string data, TimeProvider time)
{
    private const string Actor = "recover";
    private const string MadeIn = "journal.new";
    private static readonly ProtectedVmCodec Codec = new();

    /// <summary>Recovers all VMs that have a replica.</summary>
    /// <param name="replace">Whether a journal that is damaged or does not fit the replicas is set aside under another
    /// name.</param>
    /// <param name="hints">The operator's additions.</param>
    /// <param name="cancellationToken">Cancels the recovery; the data directory is unchanged.</param>
    /// <exception cref="VaultRefusedException">A journal exists, there is nothing to recover from, or the operator must
    /// give more information.</exception>
    /// <exception cref="DataDirectoryBusyException">A service runs on the directory.</exception>
    /// <exception cref="IOException">A replica cannot be opened, or the operating system reports an error.</exception>
    public (IReadOnlyList<RecoveredVm> Vms, string? SetAside) Run(
        bool replace, RecoveryHints hints, CancellationToken cancellationToken)
    {
        using var held = DataDirectoryLock.Take(data, "recovery");
        var journal = new JournalFile(data);
        var directories = ReplicaDirectory.In(data).Where(d => d.HasReplica).ToList();
        if (directories.Count == 0)
        {
            throw new VaultRefusedException($"'{data}' contains no replica, so a journal cannot be rebuilt.");
        }

        RefuseWholeJournal(journal, directories, replace, termIsBehind: hints.Term > 0);
        var now = time.GetUtcNow();
        var composed = new ComposedJournal("the recovered journal");
        var vms = new List<RecoveredVm>();
        foreach (var directory in directories)
        {
            cancellationToken.ThrowIfCancellationRequested();
            vms.Add(Recover(directory, hints, now, composed));
        }

        return (vms, Install(journal, composed, vms, now, cancellationToken));
    }

    // A complete journal may still be behind the agents, if it and the replicas were restored from a backup.
    private static void RefuseWholeJournal(
        JournalFile journal, List<ReplicaDirectory> replicas, bool replace, bool termIsBehind)
    {
        if (journal.Files.Count == 0 || (!journal.Exists && !journal.OnlyRecentWrites))
        {
            return;
        }

        if (!replace)
        {
            throw new VaultRefusedException(
                $"'{journal.Files[0]}' exists. If the service refuses it as damaged, older or another vault's, give "
                + "--replace-journal; the file is kept under another name.");
        }

        if (!termIsBehind && journal.Exists && IsSound(journal, out var ends)
            && JournalFitness.Problems(replicas.Select(r => (r.Vm, r.Identity)), ends).Count == 0
            && replicas.TrueForAll(r => HoldsHistoryOf(journal, r)))
        {
            throw new VaultRefusedException(
                $"'{journal.Path}' matches the replicas; start the service with it. A journal is rebuilt only when the "
                + "original is lost.");
        }
    }

    private static bool IsSound(JournalFile journal, out IReadOnlyDictionary<string, long>? ends)
    {
        try
        {
            ends = journal.Ends();
            return true;
        }
        catch (Exception e) when (e is JournalCorruptException or ReplayRefusedException)
        {
            ends = null;
            return false;
        }
    }

    // False also when that history is damaged: a VM whose events cannot be read would be quarantined.
    private static bool HoldsHistoryOf(JournalFile journal, ReplicaDirectory replica)
    {
        try
        {
            using var recorded = RecordedJournal.Open(journal.Path);
            var id = new PersistenceId(JournalFile.VmType, ProtectedVms.Vault, replica.Vm);
            List<StoredEvent> events = [.. recorded.Read(id).Select(e => e.Event)];
            EventChain.Verify(id, StreamHead.Start, events);
            var state = events.Select(e => Codec.Decode(e.Name, e.Payload))
                .Aggregate(ProtectedVm.Initial, ProtectedVm.Evolve);
            return replica.Identity is not { } identity || identity.ReplicaSince == state.ReplicaSince;
        }
        catch (Exception e) when (e is JournalCorruptException or UnreadableEventException or ImpossibleEventException)
        {
            return false;
        }
    }

    private static RecoveredVm Recover(
        ReplicaDirectory directory, RecoveryHints hints, DateTimeOffset now, ComposedJournal composed)
    {
        var command = RecoveryPlan.For(FactsOf(directory), directory.Identity, hints);
        var context = new DecisionContext(now, EngineCommandIds.Of($"{Actor}|{directory.Vm}|{now:O}"), Actor);
        var decision = ProtectedVm.Decide(ProtectedVm.Initial, command, context);
        if (decision is not Decision<ProtectedVmEvent>.Accepted accepted)
        {
            var refusal = ((Decision<ProtectedVmEvent>.Refused)decision).Refusal;
            throw new VaultRefusedException($"'{directory.Vm}' cannot be recovered: {refusal.Message}");
        }

        var state = accepted.Events.Aggregate(ProtectedVm.Initial, ProtectedVm.Evolve);
        ProtectedVm.CheckInvariants(state);
        var due = ProtectedVm.Timers(state).Select(t => (DateTimeOffset?)t.DueAt).Min();
        composed.Add(
            new PersistenceId(JournalFile.VmType, ProtectedVms.Vault, directory.Vm), context,
            Codec.EncodeCommand(command), [.. accepted.Events.Select(Codec.Encode)],
            new WakeMark(due, ProtectedVm.Outstanding(state).Any()));
        return new RecoveredVm(command, state, directory.Identity?.Phase);
    }

    private static ReplicaFacts FactsOf(ReplicaDirectory directory)
    {
        using var store = directory.Open();
        if (store.Vm.Value != directory.Vm)
        {
            throw new VaultRefusedException(
                $"'{directory.Path}' contains a replica of '{store.Vm}'; give the directory that name, or move it "
                    + "away.");
        }

        var machine = store.Overlays.Contains(TargetVolume.LiveName, StringComparer.Ordinal)
            ? store.PointOfOverlay(TargetVolume.LiveName) : (Engine.Identifiers.RecoveryPointId?)null;
        return new ReplicaFacts(
            directory.Vm, [.. store.Disks.Select(d => new ProtectedDisk(d.Path, d.SizeBytes))], store.Position.Term,
            [.. store.Points.Select(p => (PointObservations.Describe(p), p.UnusableBecause))], machine);
    }

    private string? Install(
        JournalFile journal, ComposedJournal composed, List<RecoveredVm> vms, DateTimeOffset now,
        CancellationToken cancellationToken)
    {
        var root = new FileStorageDirectory(data);
        root.DeleteSubdirectory(MadeIn);
        var made = Path.Combine(data, MadeIn);
        JournalImport.Run(composed, made, null, cancellationToken);
        foreach (var vm in vms)
        {
            var directory = new FileStorageDirectory(Path.Combine(data, "vms", vm.State.Enrollment.Vm.Value));
            new ReplicaIdentityFile(directory).Replace(ReplicaIdentity.Of(vm.State));
        }

        string? aside = null;
        foreach (var file in journal.Files)
        {
            var name = $"{Path.GetFileName(file)}.{now.UtcDateTime:yyyyMMdd-HHmmss}.replaced";
            root.Rename(Path.GetFileName(file), name);
            aside ??= Path.Combine(data, name);
        }

        File.Move(Path.Combine(made, RecordedJournal.FileName), journal.Path);
        root.Sync();
        root.DeleteSubdirectory(MadeIn);
        return aside;
    }
}
