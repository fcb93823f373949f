using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas.Applying;
using ReplicationEngine.DataPlane.Replicas.Hashes;
using ReplicationEngine.DataPlane.Replicas.Manifests;
using ReplicationEngine.DataPlane.Replicas.Views;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Replicas.InPlace;

/// <summary>
/// The receiving end during reverse replication: applies the stream to the old source's own disks (FOV-6). The replica
/// keeps no recovery points; markers only move the position.
/// </summary>
/// <remarks>
/// Until the resync has ended the disks equal no moment: they hold the old source's last writes mixed with newer
/// content. Durability: the devices are flushed first, then the position is written. After a crash the disks may be
/// ahead of the position; the stream is then applied again in order from there, which gives the same content (I5).
/// Differing bytes that the resync replaces are counted and listed, including the tail that the failover left behind
/// (I16). Calls are sequential, except comparisons, which may run concurrently with <see cref="Apply"/>.
/// </remarks>
public sealed class InPlaceReplica : IReplicaSink, IDisposable
{
    private const int Piece = 4096;
    private readonly Lock _lock = new();
    private readonly IReadOnlyList<SourceDisk> _sources;
    private readonly IReadOnlyList<IBlockDevice> _devices;
    private readonly IReadOnlyList<DiskSpec> _disks;
    private readonly InPlaceStateFile _file;
    private readonly OverwrittenRanges _overwritten = new(InPlaceStateFile.MostRanges);
    private readonly byte[] _before = new byte[1 << 20];
    private readonly ProtectedVmId _vm;
    private InPlaceState _state;
    private ChangePosition _durable;
    private HistoryMark _durableMark;
    private bool _poisoned;

    private InPlaceReplica(InPlaceStateFile file, ProtectedVmId vm, IReadOnlyList<SourceDisk> disks,
        InPlaceState state)
    {
        (_file, _vm, _sources, _state) = (file, vm, disks, state);
        _devices = [.. disks.Select(d => d.Device)];
        (_durable, _durableMark) = (state.Applied, state.Mark);
        _disks = [.. _devices.Select((d, i) => new DiskSpec($"disk {i}", d.Length))];
        foreach (var range in state.Overwritten)
        {
            _overwritten.Add(range);
        }
    }

    /// <inheritdoc/>
    public ReplicaPosition Position
    {
        get
        {
            lock (_lock)
            {
                return new ReplicaPosition(_state.Term, _durable, _state.Resyncing, Empty: false)
                {
                    History = new ReplicaHistory(_durableMark, _state.Source, null),
                };
            }
        }
    }

    /// <summary>The number of differing bytes that the resync replaced, in pieces of 4 KiB.</summary>
    public long OverwrittenBytes
    {
        get
        {
            lock (_lock)
            {
                return _state.OverwrittenBytes;
            }
        }
    }

    /// <summary>
    /// The ranges of the replaced bytes: at most 5,000; if there are more, they are rounded to larger pieces.
    /// </summary>
    public IReadOnlyList<DiskRange> OverwrittenRanges
    {
        get
        {
            lock (_lock)
            {
                return _overwritten.Ranges;
            }
        }
    }

    /// <summary>
    /// Opens the state in its own directory, or starts over; the devices belong to the caller. If a disk is not as it
    /// was at the last sync (replaced, restored, written by another program, or a block device, whose changes cannot be
    /// detected), its position is not valid: the replica starts over and all blocks are compared. Comparisons read from
    /// the medium, because a flush may have failed before: data that only the cache holds would count as equal, and the
    /// first power failure after the failback would lose it.
    /// </summary>
    /// <exception cref="ReplicaRefusedException">The state has a higher term.</exception>
    /// <exception cref="ReplicaCorruptException">The state is damaged.</exception>
    public static InPlaceReplica Open(
        IStorageDirectory directory, ProtectedVmId vm, IReadOnlyList<SourceDisk> disks, Term term)
    {
        var file = InPlaceStateFile.Open(directory, "state");
        try
        {
            var state = file.State is { } known && known.IsOf(disks) ? known
                : InPlaceState.Begin(file.State?.Term ?? term).After(file.State);
            var replica = new InPlaceReplica(file, vm, disks, state);
            if (file.State != state)
            {
                file.Write(state with { Seen = replica.Look() });
            }

            replica.AcceptTerm(term);
            foreach (var disk in disks)
            {
                disk.Device.DropCached();
            }

            return replica;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Accepts a sender under a term: a stale term is refused; otherwise the replica's term is raised to it, durably.
    /// </summary>
    public void AcceptTerm(Term term)
    {
        lock (_lock)
        {
            EnsureWritable();
            if (term.CompareTo(_state.Term) < 0)
            {
                throw new ReplicaRefusedException(
                    ReplicaRefusal.StaleTerm,
                        $"Term {term} is stale: the disks of '{_vm}' have term {_state.Term}.");
            }

            if (term.CompareTo(_state.Term) > 0)
            {
                Durably(() => _file.Write(_file.State! with { Term = term }));
                _state = _state with { Term = term };
            }
        }
    }

    /// <inheritdoc/>
    public void NameSource(Guid incarnation)
    {
        lock (_lock)
        {
            EnsureWritable();
            if (incarnation != _state.Source)
            {
                Durably(() => _file.Write(_file.State! with { Source = incarnation }));
                _state = _state with { Source = incarnation };
            }
        }
    }

    /// <inheritdoc/>
    public void Apply(ReadOnlyMemory<byte> records)
    {
        lock (_lock)
        {
            EnsureWritable();
            foreach (var record in ApplyPlan.Make(records, _disks, Stream()))
            {
                Durably(() => Carry(record));
            }
        }
    }

    /// <inheritdoc/>
    public void NoteBlockHashes(int disk, long firstBlock, ReadOnlySpan<byte> hashes)
    {
        // Hashes are computed from the devices on request; no stored hash can be wrong.
    }

    /// <inheritdoc/>
    public void CompareBlocks(int disk, long firstBlock, ReadOnlySpan<byte> hashes, Span<bool> differs)
    {
        var ours = new byte[differs.Length * BlockHashes.HashSize];
        if (!TryReadBlockHashes(disk, firstBlock, ours))
        {
            throw new ReplicaRefusedException(
                ReplicaRefusal.OutOfRange,
                    $"Blocks {firstBlock} to {firstBlock + differs.Length} are not inside the disks of '{_vm}'.");
        }

        for (var i = 0; i < differs.Length; i++)
        {
            var at = i * BlockHashes.HashSize;
            differs[i] = !hashes.Slice(at, BlockHashes.HashSize).SequenceEqual(ours.AsSpan(at, BlockHashes.HashSize));
        }
    }

    /// <inheritdoc/>
    public bool TryReadBlockHashes(int disk, long firstBlock, Span<byte> hashes)
    {
        var count = hashes.Length / BlockHashes.HashSize;
        if (disk < 0 || disk >= _devices.Count || firstBlock < 0 || firstBlock
            + count > ContentDigest.Blocks(_devices[disk].Length))
        {
            return false;
        }

        var buffer = new byte[IReplicaSink.HashBlockSize];
        for (var i = 0; i < count; i++)
        {
            var length = ContentDigest.LengthOf(_devices[disk].Length, firstBlock + i);
            _devices[disk].Read((firstBlock + i) * IReplicaSink.HashBlockSize, buffer.AsSpan(0, length));
            Hash256.Of(buffer.AsSpan(0, length)).Write(hashes[(i * BlockHashes.HashSize)..]);
        }

        return true;
    }

    /// <inheritdoc/>
    public void EndResync(ChangePosition consistentFrom)
    {
        lock (_lock)
        {
            EnsureWritable();
            if (consistentFrom.Generation.CompareTo(_state.Applied.Generation) > 0)
            {
                throw new ReplicaRefusedException(
                    ReplicaRefusal.Gap,
                    $"The resync of generation {consistentFrom.Generation} cannot end: generation "
                        + $"{_state.Applied.Generation} is applied.");
            }

            if (_state.Resyncing && consistentFrom.Generation == _state.Applied.Generation)
            {
                _state = (_state with { ConsistentFrom = consistentFrom }).Settle();
            }
        }
    }

    /// <inheritdoc/>
    public ChangePosition Sync()
    {
        lock (_lock)
        {
            EnsureWritable();
            Durably(() =>
            {
                foreach (var device in _devices)
                {
                    device.Flush();
                }

                _state = _state with { Overwritten = _overwritten.Ranges, Seen = Look() };
                _file.Write(_state);
            });
            (_durable, _durableMark) = (_state.Applied, _state.Mark);
            return _durable;
        }
    }

    /// <inheritdoc/>
    public void Resize(int disk, long sizeBytes)
    {
        if (disk < 0 || disk >= _devices.Count || sizeBytes != _devices[disk].Length)
        {
            throw new ReplicaRefusedException(
                ReplicaRefusal.OutOfRange,
                $"Disk {disk} of '{_vm}' cannot be resized to {sizeBytes} bytes here; resize the disk itself, "
                    + $"then reprotect.");
        }
    }

    /// <summary>Makes all applied changes durable and closes the state file; the devices remain open.</summary>
    public void Close()
    {
        try
        {
            if (!_poisoned)
            {
                Sync();
            }
        }
        catch (ReplicaRefusedException)
        {
            // The state on file is older than the disks, so the next opening compares them.
            return;
        }
        finally
        {
            Dispose();
        }
    }

    /// <summary>
    /// Closes the state file without syncing, as a crash of the process would; the devices remain open.
    /// </summary>
    public void Dispose() => _file.Dispose();

    /// <summary>Returns an observation of the disks; empty if they are not observed.</summary>
    private IReadOnlyList<DiskObservation> Look()
    {
        var seen = _sources.Select(d => d.Look?.Invoke()).OfType<DiskObservation>().ToList();
        return seen.Count == _sources.Count ? seen : [];
    }

    private void Carry(in PlannedRecord record)
    {
        var header = record.Header;
        var stream = Stream();
        if (header.Kind is not (ChangeKind.Marker or ChangeKind.GenerationStart))
        {
            if (_state.Resyncing)
            {
                CountDifferences(header, record.Data.Span);
            }

            _devices[header.Disk].Write([new BlockChange(header.Offset, header.Length, record.Data, false, false)]);
        }

        var next = ApplyPlan.Advance(stream, header);
        _state = _state with
        {
            Applied = next.Applied,
            Resyncing = next.Resyncing,
            ConsistentFrom = next.ConsistentFrom,
            Mark = next.Mark,
        };
    }

    private StreamState Stream() =>
        new(_state.Applied, _state.Resyncing, _state.ConsistentFrom, false, 0, true) { Mark = _state.Mark };

    private void CountDifferences(in ChangeHeader header, ReadOnlySpan<byte> data)
    {
        for (var done = 0L; done < header.Length; done += _before.Length)
        {
            var before = _before.AsSpan(0, (int)Math.Min(_before.Length, header.Length - done));
            _devices[header.Disk].Read(header.Offset + done, before);
            for (var at = 0; at < before.Length; at += Piece)
            {
                var old = before.Slice(at, Math.Min(Piece, before.Length - at));
                var same = data.IsEmpty ? !old.ContainsAnyExcept((byte)0)
                    : old.SequenceEqual(data.Slice((int)done + at, old.Length));
                if (!same)
                {
                    _overwritten.Add(new DiskRange(header.Disk, header.Offset + done + at, old.Length));
                    _state = _state with { OverwrittenBytes = _state.OverwrittenBytes + old.Length };
                }
            }
        }
    }

    private void EnsureWritable()
    {
        if (_poisoned)
        {
            throw new ReplicaRefusedException(
                ReplicaRefusal.Unavailable,
                    $"The disks of '{_vm}' failed; they accept no writes until they are opened again.");
        }
    }

    private void Durably(Action action)
    {
        try
        {
            action();
        }
        catch (Exception e) when (e is StorageException or BlockDeviceException)
        {
            _poisoned = true;
            throw new ReplicaRefusedException(
                ReplicaRefusal.Unavailable,
                    $"The disks of '{_vm}' cannot be written: {e.Message}; repair them, then open them again.");
        }
    }
}
