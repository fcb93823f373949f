using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.ReplicaStore.Bases;
using ReplicationEngine.DataPlane.ReplicaStore.Extents;
using ReplicationEngine.DataPlane.ReplicaStore.Hashes;
using ReplicationEngine.DataPlane.ReplicaStore.Manifests;
using ReplicationEngine.DataPlane.ReplicaStore.Segments;
using ReplicationEngine.DataPlane.ReplicaStore.Views;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.ReplicaStore;

/// <summary>
/// The target side of one protected VM: a log-structured store of its disks with recovery points. Any point can be read
/// at once, whatever the disks' sizes; overlays make a point writable without changing it.
/// </summary>
/// <remarks>
/// One thread at a time changes the store (the session lock); views are read beside it. Layers: the base image of each
/// disk, over it the sealed layers (one or more per interval between points), over those the layer being written. A
/// point is "everything up to a layer". Pruning a point lets <see cref="Maintain"/> merge its layer with the next one,
/// or fold it into the base when it is the oldest. Formats: docs/formats/replica-store.md.
/// </remarks>
public sealed partial class ReplicaStore : IReplicaSink, IDisposable
{
    private readonly Lock _session = new();
    private readonly IStorageDirectory _directory;
    private readonly ReplicaStoreOptions _options;
    private readonly NumberSource _numbers;
    private readonly PageCache _pages = new();
    private readonly SegmentSet _segments;
    private readonly RecordReader _records;
    private readonly RedoLog _log;
    private readonly BaseImage _base;
    private readonly HashBook _hashes;
    private readonly LayeredReader _newest;
    private readonly Dictionary<RecoveryPointId, int> _exports = [];
    private readonly Dictionary<string, Overlays.Overlay> _overlays = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<(RecoveryPointId Point, DamagedRangeException Damage)> _damage = new();
    private Term _sessionTerm;
    private readonly RecentChanges _recent;
    private ChangePosition _durable;
    private HistoryMark _durableMark;
    private bool _disposed;
    private string? _fullBecause;

    private ReplicaStore(IStorageDirectory directory, ManifestFile manifest, HeadFile head, BaseImage image,
        ReplicaStoreOptions options)
    {
        (_directory, _options, _base) = (directory, options, image);
        _numbers = new NumberSource(directory);
        foreach (var overlay in manifest.State.Overlays.Values)
        {
            _numbers.Skip(overlay.Owner);
        }

        _segments = new SegmentSet(directory, _numbers, manifest.State.Tag);
        _records = new RecordReader(_segments);
        _log = new RedoLog(_segments, _pages, manifest, head, owner: 0, options);
        _hashes = new HashBook(directory, manifest.State.Disks.Count, manifest.State.HashEpoch);
        _newest = new LayeredReader(_log, long.MaxValue, _records, new BaseLower(image));
        (_sessionTerm, _durable, _durableMark) = (State.Term, _log.Stream.Applied, _log.Stream.Mark);
        _recent = new RecentChanges(manifest.State.Disks.Count);
    }

    /// <summary>The VM whose replica this is.</summary>
    public ProtectedVmId Vm => new(State.VmId);

    /// <summary>The disks as they are now.</summary>
    public IReadOnlyList<DiskSpec> Disks
    {
        get
        {
            lock (_session)
            {
                return [.. State.Disks];
            }
        }
    }

    /// <inheritdoc/>
    public ReplicaPosition Position
    {
        get
        {
            lock (_session)
            {
                var stream = _log.Stream;
                return new ReplicaPosition(State.Term, _durable, stream.Resyncing, stream.Empty && !State.BaseTouched)
                {
                    History = new ReplicaHistory(_durableMark, State.Source, null),
                };
            }
        }
    }

    /// <summary>
    /// Why the file system took no more when something was stored last; null when it took it. Safe to read from any
    /// thread.
    /// </summary>
    public string? FullBecause
    {
        get => Volatile.Read(ref _fullBecause);
        private set => Volatile.Write(ref _fullBecause, value);
    }

    /// <summary>The newest change applied, durable or not.</summary>
    public ChangePosition Applied
    {
        get
        {
            lock (_session)
            {
                return _log.Stream.Applied;
            }
        }
    }

    /// <summary>
    /// How many frames the manifest has, and the hash that chains all of them: who notes both elsewhere can prove later
    /// that the store's history was not changed or rolled back (S11).
    /// </summary>
    public (long Frames, ReadOnlyMemory<byte> Chain) ManifestHead
    {
        get
        {
            lock (_session)
            {
                return (_log.Manifest.Frames, _log.Manifest.Chain);
            }
        }
    }

    private StoreState State => _log.State;

    /// <summary>Whether a directory holds a replica store.</summary>
    public static bool Exists(IStorageDirectory directory) => directory.Exists(FileNames.Manifest(0));

    /// <summary>Deletes a store with its directory: its manifest first, durably, so that what a power cut leaves of it
    /// is no store.</summary>
    public static void Delete(IStorageDirectory parent, string name)
    {
        var directory = parent.Subdirectory(name);
        if (Exists(directory))
        {
            directory.Delete(FileNames.Manifest(0));
            directory.Sync();
        }

        parent.DeleteSubdirectory(name);
    }

    /// <summary>Makes an empty store in a directory of its own.</summary>
    /// <exception cref="InvalidOperationException">There is a store already.</exception>
    /// <exception cref="StorageException">The system refuses.</exception>
    public static ReplicaStore Create(
        IStorageDirectory directory, ProtectedVmId vm, IReadOnlyList<DiskSpec> disks, Term term,
            ReplicaStoreOptions? options = null)
    {
        if (Exists(directory))
        {
            throw new InvalidOperationException(
                $"'{directory.Path}' holds a replica store already: open it, or delete it first.");
        }

        if (disks.Count == 0 || disks.Any(d => d.SizeBytes <= 0))
        {
            throw new ArgumentException("A replica store needs at least one disk, and each disk a size above 0.",
                nameof(disks));
        }

        RemoveFiles(directory);
        var image = BaseImage.Create(directory, disks);
        ManifestFile? manifest = null;
        HeadFile? head = null;
        try
        {
            directory.Sync();
            head = HeadFile.Open(directory, FileNames.Head(0));
            manifest = ManifestFile.Create(
                directory, FileNames.Manifest(0),
                    [new StoreRecord.Created(TagOf(vm, disks, term), vm.Value, term, disks)]);
            return new ReplicaStore(directory, manifest, head, image, options ?? new ReplicaStoreOptions());
        }
        catch
        {
            manifest?.Dispose();
            head?.Dispose();
            image.Dispose();
            throw;
        }
    }

    /// <summary>Opens a store and restores exactly what was durable.</summary>
    /// <exception cref="ReplicaCorruptException">The manifest is damaged: no point may be used.</exception>
    /// <exception cref="StorageException">The system refuses.</exception>
    public static ReplicaStore Open(IStorageDirectory directory, ReplicaStoreOptions? options = null)
    {
        if (!Exists(directory))
        {
            throw new InvalidOperationException($"'{directory.Path}' holds no replica store: create one first.");
        }

        var head = HeadFile.Open(directory, FileNames.Head(0));
        ManifestFile? manifest = null;
        BaseImage? image = null;
        ReplicaStore? store = null;
        try
        {
            manifest = ManifestFile.Open(directory, FileNames.Manifest(0), head.Head.Frames);
            image = BaseImage.Open(directory, manifest.State.Disks);
            store = new ReplicaStore(directory, manifest, head, image, options ?? new ReplicaStoreOptions());
            store.Recover();
            return store;
        }
        catch
        {
            if (store is not null)
            {
                store.Dispose();
            }
            else
            {
                image?.Dispose();
                manifest?.Dispose();
                head.Dispose();
            }

            throw;
        }
    }

    /// <summary>Raises the term durably: whoever sends under a smaller one is refused from now on (I15,
    /// FOV-8).</summary>
    /// <exception cref="ReplicaRefusedException">The store's term is higher already.</exception>
    public void Fence(Term term)
    {
        lock (_session)
        {
            EnsureWritable();
            RaiseTerm(term);
        }
    }

    /// <summary>A sender begins under this term: refused when it is stale, else the store's term is raised to
    /// it.</summary>
    /// <exception cref="ReplicaRefusedException">The sender's term is stale.</exception>
    public void AcceptTerm(Term term)
    {
        lock (_session)
        {
            EnsureWritable();
            RaiseTerm(term);
            _sessionTerm = term;
        }
    }

    /// <inheritdoc/>
    public void NameSource(Guid incarnation)
    {
        lock (_session)
        {
            EnsureWritable();
            if (incarnation != State.Source)
            {
                Durably(() => _log.Record(new StoreRecord.SourceNamed(incarnation)));
            }
        }
    }

    /// <inheritdoc/>
    /// <remarks>Known since the store was opened, and as long as few enough syncs passed.</remarks>
    public IReadOnlyList<ExtentRange>? ChangedSince(MarkedPosition floor)
    {
        lock (_session)
        {
            return _recent.Since(floor);
        }
    }

    /// <summary>Closes the files. What was not synced is on storage, but not promised to survive a power cut.</summary>
    public void Dispose()
    {
        lock (_session)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            EndJobs();
            foreach (var overlay in _overlays.Values)
            {
                overlay.Dispose();
            }

            _log.Dispose();
            _segments.Dispose();
            _base.Dispose();
            _hashes.Dispose();
        }
    }

    /// <summary>Closes the store and deletes everything in it.</summary>
    public void Delete()
    {
        Dispose();
        RemoveFiles(_directory);
        _directory.Sync();
    }

    private static Guid TagOf(ProtectedVmId vm, IReadOnlyList<DiskSpec> disks, Term term)
    {
        var text = $"{vm}\n{term}\n{string.Join('\n', disks.Select(d => $"{d.SizeBytes} {d.Path}"))}";
        return new Guid(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 16), bigEndian: true);
    }

    /// <summary>The manifest first: without it the rest is no store, and a later Create removes it.</summary>
    private static void RemoveFiles(IStorageDirectory directory)
    {
        directory.Delete(FileNames.Manifest(0));
        directory.Sync();
        foreach (var name in directory.List())
        {
            directory.Delete(name);
        }
    }

    private void RaiseTerm(Term term)
    {
        if (term.CompareTo(State.Term) < 0)
        {
            throw StaleTerm(term);
        }

        if (term.CompareTo(State.Term) > 0)
        {
            Durably(() => _log.Record(new StoreRecord.TermRaised(term)));
        }
    }

    private ReplicaRefusedException StaleTerm(Term term) => new(
        ReplicaRefusal.StaleTerm,
        $"Term {term} is stale: the replica of '{Vm}' was failed over and stands in term {State.Term}. Reprotect "
            + $"the machine first.");

    private void EnsureWritable()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_log.Poisoned || _base.Poisoned)
        {
            throw new ReplicaRefusedException(
                ReplicaRefusal.Unavailable,
                $"The replica store in '{_directory.Path}' failed to sync: it takes nothing more until it is opened "
                    + $"again.");
        }
    }

    /// <summary>Runs an action on storage; what the system refuses becomes a refusal of the store.</summary>
    private void Durably(Action action)
    {
        try
        {
            action();
            FullBecause = null;
        }
        catch (StorageException e)
        {
            FullBecause = e.Errno is StorageException.NoSpace or StorageException.OverQuota ? e.Message : FullBecause;
            var remedy = _log.Poisoned || _base.Poisoned ? "open the store again" : "make space and try again";
            throw new ReplicaRefusedException(
                ReplicaRefusal.Unavailable,
                    $"The replica store in '{_directory.Path}' could not write: {e.Message}; {remedy}.");
        }
    }
}
