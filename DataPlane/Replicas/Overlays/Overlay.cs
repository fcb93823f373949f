using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas.Applying;
using ReplicationEngine.DataPlane.Replicas.Extents;
using ReplicationEngine.DataPlane.Replicas.Manifests;
using ReplicationEngine.DataPlane.Replicas.Segments;
using ReplicationEngine.DataPlane.Replicas.Views;
using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.Replicas.Overlays;

/// <summary>
/// A separate log over a recovery point, with the same segments, index files and manifest as the store. A write is in
/// the page cache when it is acknowledged, so a killed process loses none; a flush makes all acknowledged writes
/// durable.
/// </summary>
internal sealed class Overlay : IDisposable
{
    private readonly Lock _lock = new();
    private readonly SegmentSet _segments;
    private readonly RecordReader _records;
    private readonly RedoLog _log;
    private readonly ReplicaStoreOptions _options;
    private readonly IStorageDirectory _directory;
    private byte[] _buffer = new byte[64 << 10];
    private MergeJob? _merge;
    private bool _unmergeable;
    private bool _disposed;

    private Overlay(
        IStorageDirectory directory, OverlayInfo info, ManifestFile manifest, OverlaySurroundings around,
            ReplicaStoreOptions options)
    {
        (_directory, Info, _options) = (directory, info, options);
        _segments = new SegmentSet(directory, around.Numbers, manifest.State.Tag);
        _records = new RecordReader(_segments);
        _log = new RedoLog(
            _segments, around.Pages, manifest, HeadFile.Open(directory, FileNames.Head(info.Owner)), info.Owner,
                options);
        Reader = new LayeredReader(_log, long.MaxValue, _records, around.Lower);
    }

    public OverlayInfo Info { get; }

    public LayeredReader Reader { get; }

    public IReadOnlyList<DiskSpec> Disks => _log.State.Disks;

    public long WrittenBytes => _log.Stream.Bytes;

    /// <summary>The layers of the overlay, all sealed after <see cref="SealAll"/>.</summary>
    public IReadOnlyList<LayerInfo> Layers => _log.State.Layers;

    /// <summary>Creates the files of an empty overlay. The overlay exists once the store's manifest lists it.</summary>
    public static Overlay Create(
        IStorageDirectory directory, OverlayInfo info, StoreRecord.Created created, OverlaySurroundings around,
            ReplicaStoreOptions options)
    {
        var manifest = ManifestFile.Create(directory, FileNames.Manifest(info.Owner), [created]);
        return new Overlay(directory, info, manifest, around, options);
    }

    /// <exception cref="ReplicaCorruptException">Durable writes are damaged.</exception>
    public static Overlay Open(
        IStorageDirectory directory, OverlayInfo info, OverlaySurroundings around, ReplicaStoreOptions options)
    {
        long known;
        using (var head = HeadFile.Open(directory, FileNames.Head(info.Owner)))
        {
            known = head.Head.Frames;
        }

        var manifest = ManifestFile.Open(directory, FileNames.Manifest(info.Owner), known);
        var overlay = new Overlay(directory, info, manifest, around, options);
        try
        {
            overlay.Recover();
            return overlay;
        }
        catch
        {
            overlay.Dispose();
            throw;
        }
    }

    /// <exception cref="StorageException">The system reports an error; none of the changes counts.</exception>
    public void Write(int disk, ReadOnlySpan<BlockChange> changes)
    {
        lock (_lock)
        {
            EnsureSound();
            var force = false;
            foreach (var change in changes)
            {
                Write(disk, change);
                force |= change.ForceUnitAccess;
            }

            if (force)
            {
                Sync();
            }
        }
    }

    public void Flush()
    {
        lock (_lock)
        {
            EnsureSound();
            Sync();
        }
    }

    /// <summary>Makes every write durable in sealed layers.</summary>
    public void SealAll()
    {
        lock (_lock)
        {
            EnsureSound();
            EndMerge();
            _log.Exclusive(() => _log.Freeze(_log.Tail.Segment, _log.Tail.Offset));
            Sync();
        }
    }

    /// <summary>Runs one bounded step of merging and cleaning; false if there is nothing to do.</summary>
    public bool Maintain()
    {
        lock (_lock)
        {
            if (_disposed || _log.Poisoned || _unmergeable)
            {
                return false;
            }

            _merge ??= _log.Sealed.Count >= _options.OverlayLayers
                ? new MergeJob(_log, _segments, _records, [.. _log.Sealed])
                : MergeJob.Cleaning(_log, _segments, _records);
            if (_merge is null)
            {
                return false;
            }

            try
            {
                if (!_merge.Step())
                {
                    EndMerge();
                    _log.FreeSegments(owner => owner == Info.Owner, _records);
                }
            }
            catch (ReplicaCorruptException)
            {
                // Damaged data is not moved, and reading it continues to fail.
                _unmergeable = true;
                EndMerge();
            }
            catch
            {
                EndMerge();
                throw;
            }

            return true;
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            if (!_disposed)
            {
                _disposed = true;
                EndMerge();
                _log.Dispose();
                _segments.Dispose();
            }
        }
    }

    private void EndMerge()
    {
        _merge?.Dispose();
        _merge = null;
    }

    private void Recover()
    {
        var lost = _log.Recover(Enter);
        if (lost is not null)
        {
            throw new ReplicaCorruptException($"Overlay '{Info.Name}' lost writes that had been durable: {lost}.");
        }

        foreach (var name in _directory.List())
        {
            if (FileNames.TryParse(name, out var prefix, out var owner, out var number) && owner == Info.Owner
                && prefix == FileNames.LayerPrefix && _log.State.Layers.TrueForAll(l => l.File != number))
            {
                _directory.Delete(name);
            }
        }

        _log.FreeSegments(owner => owner == Info.Owner, _records);
    }

    private void Enter(in ChangeHeader header, ReadOnlySpan<byte> record, uint segment, long at)
    {
        _log.Active.Put(header.Disk, header.Offset, header.Length, header.Kind == ChangeKind.Zeroes ? 0 : segment, at);
        _log.Active.Bytes += header.EncodedLength;
        _log.Stream = ApplyPlan.Advance(_log.Stream, header);
        if (_log.IsActiveFull)
        {
            _log.Freeze(segment, at + header.EncodedLength);
        }
    }

    private void Write(int disk, in BlockChange change)
    {
        const int most = 4 << 20;
        if (change.Data.IsEmpty)
        {
            Append(disk, ChangeKind.Zeroes, change.Offset, change.Length, default);
            return;
        }

        for (var done = 0; done < change.Data.Length; done += most)
        {
            var data = change.Data.Span.Slice(done, Math.Min(most, change.Data.Length - done));
            var zero = !data.ContainsAnyExcept((byte)0);
            Append(disk, zero ? ChangeKind.Zeroes : ChangeKind.Write, change.Offset + done, data.Length, zero ? default
                : data);
        }
    }

    private void Append(int disk, ChangeKind kind, long offset, long length, ReadOnlySpan<byte> data)
    {
        if (length == 0)
        {
            return;
        }

        if (_log.FrozenCount > 1)
        {
            Sync();
        }

        var applied = _log.Stream.Applied;
        var header = new ChangeHeader(
            kind, disk, applied.Generation, applied.Lsn.Next(), offset, length, applied.Lsn, DateTimeOffset.MinValue,
                data.Length);
        if (_buffer.Length < header.EncodedLength)
        {
            _buffer = new byte[header.EncodedLength];
        }

        var size = ChangeRecord.Encode(header, data, _buffer);
        var (segment, at) = _log.Append([_buffer.AsMemory(0, size)]);
        _log.Gate.EnterWriteLock();
        try
        {
            Enter(header, default, segment, at);
        }
        finally
        {
            _log.Gate.ExitWriteLock();
        }
    }

    private void Sync()
    {
        _log.SyncRecords();
        _log.SyncRest();
    }

    private void EnsureSound()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_log.Poisoned)
        {
            throw new StorageException(
                $"overlay '{Info.Name}' failed to sync; its data may not be durable",
                    StorageException.InputOutput);
        }
    }
}

/// <summary>The parts that an overlay shares with its store.</summary>
internal sealed record OverlaySurroundings(NumberSource Numbers, PageCache Pages, ILower Lower);
