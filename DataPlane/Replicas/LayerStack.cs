using System.Security.Cryptography;
using System.Text;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas.Bases;
using ReplicationEngine.DataPlane.Replicas.Extents;
using ReplicationEngine.DataPlane.Replicas.Hashes;
using ReplicationEngine.DataPlane.Replicas.Manifests;
using ReplicationEngine.DataPlane.Replicas.Overlays;
using ReplicationEngine.DataPlane.Replicas.Segments;
using ReplicationEngine.DataPlane.Replicas.Views;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Replicas;

/// <summary>
/// The content of a store: the base image of each disk, the layers of the log over it, and the block hashes of both.
/// Owns their files: creates, opens, frees and closes them.
/// </summary>
/// <remarks>
/// The store's session lock guards all members: one thread at a time changes the content. Views (<see cref="ViewAt"/>)
/// read concurrently under the log's gate. Locks are taken in this order: session lock, an overlay's lock, the log's
/// gate, the lock of the block hashes or of the segments.
/// </remarks>
internal sealed class LayerStack : IDisposable
{
    private readonly NumberSource _numbers;
    private readonly PageCache _pages = new();

    private LayerStack(
        IStorageDirectory directory, ManifestFile manifest, HeadFile head, BaseImage image, ReplicaStoreOptions options)
    {
        (Directory, Base) = (directory, image);
        _numbers = new NumberSource(directory);
        foreach (var overlay in manifest.State.Overlays.Values)
        {
            _numbers.Skip(overlay.Owner);
        }

        Segments = new SegmentSet(directory, _numbers, manifest.State.Tag);
        Records = new RecordReader(Segments);
        Log = new RedoLog(Segments, _pages, manifest, head, owner: 0, options);
        Hashes = new HashBook(directory, manifest.State.Disks.Count, manifest.State.HashEpoch);
    }

    public IStorageDirectory Directory { get; }

    public SegmentSet Segments { get; }

    public RecordReader Records { get; }

    public RedoLog Log { get; }

    public BaseImage Base { get; }

    public HashBook Hashes { get; }

    public StoreState State => Log.State;

    /// <summary>
    /// Whether a sync failed: the content on storage is then unknown until the store is opened again.
    /// </summary>
    public bool Poisoned => Log.Poisoned || Base.Poisoned;

    /// <summary>The current sizes of the disks in bytes.</summary>
    public IReadOnlyList<long> DiskSizes => [.. State.Disks.Select(d => d.SizeBytes)];

    /// <summary>Returns whether a directory holds a store.</summary>
    public static bool Exists(IStorageDirectory directory) => directory.Exists(FileNames.Manifest(0));

    /// <summary>Creates the files of an empty store.</summary>
    /// <exception cref="InvalidOperationException">The directory already holds a store.</exception>
    public static LayerStack Create(
        IStorageDirectory directory, ProtectedVmId vm, IReadOnlyList<DiskSpec> disks, Term term,
        ReplicaStoreOptions options)
    {
        if (Exists(directory))
        {
            throw new InvalidOperationException(
                $"'{directory.Path}' already contains a replica store; open it, or delete it first.");
        }

        if (disks.Count == 0 || disks.Any(d => d.SizeBytes <= 0))
        {
            throw new ArgumentException("A replica store needs at least one disk, and each disk a size above 0.",
                nameof(disks));
        }

        DeleteFiles(directory);
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
            return new LayerStack(directory, manifest, head, image, options);
        }
        catch
        {
            manifest?.Dispose();
            head?.Dispose();
            image.Dispose();
            throw;
        }
    }

    /// <summary>Opens the files of a store. The log behind the checkpoint is not scanned yet.</summary>
    /// <exception cref="InvalidOperationException">The directory holds no store.</exception>
    /// <exception cref="ReplicaCorruptException">The manifest is damaged: no point may be used.</exception>
    public static LayerStack Open(IStorageDirectory directory, ReplicaStoreOptions options)
    {
        if (!Exists(directory))
        {
            throw new InvalidOperationException($"'{directory.Path}' contains no replica store; create one first.");
        }

        var head = HeadFile.Open(directory, FileNames.Head(0));
        ManifestFile? manifest = null;
        BaseImage? image = null;
        try
        {
            manifest = ManifestFile.Open(directory, FileNames.Manifest(0), head.Head.Frames);
            image = BaseImage.Open(directory, manifest.State.Disks);
            return new LayerStack(directory, manifest, head, image, options);
        }
        catch
        {
            image?.Dispose();
            manifest?.Dispose();
            head.Dispose();
            throw;
        }
    }

    /// <summary>Deletes a store with its directory, its manifest first, durably.</summary>
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

    /// <summary>
    /// Deletes every file of a store, the manifest first: without it the rest is not a store, and is deleted when a
    /// store is created there.
    /// </summary>
    public static void DeleteFiles(IStorageDirectory directory)
    {
        directory.Delete(FileNames.Manifest(0));
        directory.Sync();
        foreach (var name in directory.List())
        {
            directory.Delete(name);
        }
    }

    /// <summary>Returns the content up to a layer, readable from any thread.</summary>
    public LayeredReader ViewAt(long layer) => new(Log, layer, Records, new BaseLower(Base));

    /// <summary>Returns the size of a disk in bytes.</summary>
    /// <exception cref="ReplicaRefusedException">The disk does not exist.</exception>
    public long SizeOf(int disk) => disk >= 0 && disk < State.Disks.Count
        ? State.Disks[disk].SizeBytes
        : throw new ReplicaRefusedException(
            ReplicaRefusal.OutOfRange, $"Disk {disk} does not exist: '{State.VmId}' has {State.Disks.Count} disks.");

    /// <summary>
    /// Returns whether a layer above the given one may have changed any of the regions; requires the gate or the
    /// session lock.
    /// </summary>
    public bool MayTouchAbove(long layer, int disk, long firstRegion, long lastRegion)
    {
        var layers = Log.Layers;
        for (var i = 0; i < layers.Count; i++)
        {
            if (layers[i].To > layer && layers[i].MayTouch(disk, firstRegion, lastRegion))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Makes everything durable. The log comes first, because content written directly into the base must not become
    /// durable before the record of its generation. The base comes second, before a point that needs it is listed.
    /// </summary>
    public void Sync()
    {
        Log.SyncRecords();
        if (State.BaseTouched && !State.EverSealed)
        {
            Base.Commit();
        }

        Log.SyncRest();
    }

    /// <summary>Makes a disk larger, durably; everything applied before must be durable.</summary>
    public void Grow(int disk, long sizeBytes)
    {
        var before = SizeOf(disk);
        Log.Exclusive(() => Base[disk].Grow(sizeBytes));
        Hashes.Grow(disk, before);
        Log.Record(new StoreRecord.DiskResized(disk, sizeBytes));
    }

    /// <summary>Drops the oldest layer, which is durably in the base, and the files that only it needed.</summary>
    public void DropFolded(SealedLayer layer)
    {
        Hashes.Outdate(layer);
        Log.Record(new StoreRecord.LayerFolded(layer.To));
        Log.DropUnlisted(andUnsealed: false);
        FreeSegments();
    }

    /// <summary>Updates block hashes and index after the manifest dropped the layers above one.</summary>
    public void DropAbove(long layer)
    {
        var dropped = Log.Layers.Where(l => l.From > layer).ToList();
        Hashes.Rebase(State.HashEpoch, layer, dropped, DiskSizes);
        Log.DropUnlisted(andUnsealed: true);
    }

    /// <summary>Opens an overlay's layers, with their segments, after the manifest has adopted them.</summary>
    public void OpenAdopted()
    {
        Segments.Refresh();
        Log.OpenListed();
    }

    /// <summary>Returns a number for a new overlay's files.</summary>
    public uint NextOwner() => _numbers.Next();

    /// <summary>Returns the parts that an overlay shares with this store.</summary>
    public OverlaySurroundings Around(ILower lower) => new(_numbers, _pages, lower);

    /// <summary>Deletes the store's unused segments; returns their number.</summary>
    public int FreeSegments()
    {
        var overlays = State.Overlays.Values.Select(o => o.Owner).ToHashSet();
        return Log.FreeSegments(owner => !overlays.Contains(owner), Records);
    }

    /// <summary>
    /// Deletes the leftovers of a crash: files of deleted overlays, index files of no layer, unused segments.
    /// </summary>
    public void RemoveOrphans()
    {
        var overlays = State.Overlays.Values.Select(o => o.Owner).ToHashSet();
        var kept = overlays.SelectMany(o => new[] { FileNames.Manifest(o), FileNames.Head(o) })
            .ToHashSet(StringComparer.Ordinal);
        foreach (var name in Directory.List())
        {
            var isLayer = FileNames.TryParse(name, out var prefix, out var owner, out var number)
                && prefix == FileNames.LayerPrefix;
            if ((name.StartsWith("overlay-", StringComparison.Ordinal) && !kept.Contains(name))
                || (isLayer && !overlays.Contains(owner) && State.Layers.TrueForAll(l => l.File != number)))
            {
                Directory.Delete(name);
            }
        }

        FreeSegments();
    }

    /// <summary>Closes all files of the content.</summary>
    public void Dispose()
    {
        Log.Dispose();
        Segments.Dispose();
        Base.Dispose();
        Hashes.Dispose();
    }

    private static Guid TagOf(ProtectedVmId vm, IReadOnlyList<DiskSpec> disks, Term term)
    {
        var text = $"{vm}\n{term}\n{string.Join('\n', disks.Select(d => $"{d.SizeBytes} {d.Path}"))}";
        return new Guid(SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 16), bigEndian: true);
    }
}
