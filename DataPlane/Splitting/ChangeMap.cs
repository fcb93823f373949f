using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>The reason why an extent is marked.</summary>
internal enum ExtentMark
{
    /// <summary>
    /// The extent may hold logged writes that are not yet durable on the replica, or not yet synced on the source.
    /// </summary>
    Active = 0,

    /// <summary>The extent must be compared or copied, because the log does not hold its changes.</summary>
    Dirty = 1,
}

/// <summary>
/// The activity log of one disk: which extents may differ between source and replica, crash-safe (I2, I13).
/// </summary>
/// <remarks>
/// <para>Two layers per mark. <i>Logical</i> bits are the current marks; they change only under the volume's order
/// lock. <i>Stored</i> bits are the marks that the file may be read back with; they change only under <c>_gate</c>.
/// Every crash argument depends on one rule: a logical bit is set only after a sync of a page that has it, and a stored
/// bit is lowered only while its logical bit is clear. So at any power failure the file's bits are a superset of the
/// logical ones: raising is written and synced first, lowering is written later and never synced, and a page torn by
/// the failure reads as all set.</para>
/// <para>Lowering waits for the source's disk. <see cref="Propose"/> records the bits that are stored but no longer
/// logical and the newest assigned number; after a sync of the disk that started later,
/// <see cref="Lower(LoweringProposal)"/> lowers those that are still clear and (Active) saw no newer write. Without
/// that, a power failure could lose unsynced writes of the source that the replica has, with no bit left to mark
/// them.</para>
/// <para>Lock order: <c>_gate</c>, then the order lock, never the other way round. <see cref="MapFile"/> has the
/// format.</para>
/// </remarks>
internal sealed class ChangeMap : IDisposable
{
    /// <summary>
    /// The number of extents that become active together, so that a stream of writes syncs the map once per 32 MiB.
    /// </summary>
    private const int ActivationGroup = 8;

    private readonly Lock _gate = new();
    private readonly WriteOrder _order;
    private readonly MapFile _file;
    private readonly ExtentBits[] _logical;
    private readonly ExtentBits[] _stored;
    private long[] _lastLsn;

    /// <summary>
    /// Creates the map from a file and takes ownership of it; its bits change under the order's lock.
    /// </summary>
    public ChangeMap(MapFile file, WriteOrder order, Lsn tail)
    {
        _file = file;
        _order = order;
        _stored = [file.Load(ExtentMark.Active), file.Load(ExtentMark.Dirty)];
        _logical = [file.Load(ExtentMark.Active), file.Load(ExtentMark.Dirty)];
        _lastLsn = new long[file.Extents];
        Array.Fill(_lastLsn, tail.Value);
    }

    /// <summary>Returns the number of extents of so many bytes.</summary>
    public static int ExtentsOf(long bytes) => checked((int)((bytes + DirtyExtent.Size - 1) / DirtyExtent.Size));

    /// <summary>Returns the run of extents that a range touches.</summary>
    public static ExtentRun RunOf(long offset, long length) =>
        new((int)(offset / DirtyExtent.Size), (int)((offset + length - 1) / DirtyExtent.Size));

    /// <summary>Returns the logical bits of a mark. Under the order lock.</summary>
    public ExtentBits this[ExtentMark mark] => _logical[(int)mark];

    /// <summary>
    /// Returns the stored bits of a mark: those of changes behind the stored floor were never lowered. Under the
    /// generation lock, which keeps them from being lowered.
    /// </summary>
    public ExtentBits Stored(ExtentMark mark) => _stored[(int)mark];

    /// <summary>Returns whether every extent of the runs has a mark. Under the order lock.</summary>
    public bool AllSet(ExtentMark mark, ReadOnlySpan<ExtentRun> runs)
    {
        var bits = _logical[(int)mark];
        foreach (var run in runs)
        {
            if (!bits.AllSet(run))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Records changes to runs. Under the order lock, with the runs' bits set.</summary>
    public void Touch(ReadOnlySpan<ExtentRun> runs, Lsn lsn)
    {
        foreach (var run in runs)
        {
            _lastLsn.AsSpan(run.First, run.Last - run.First + 1).Fill(lsn.Value);
        }
    }

    /// <summary>
    /// Marks runs; on return the marks are durable. Activation counts as a touch by the newest change, so that an
    /// extent activated ahead of its writes is not cleared at once.
    /// </summary>
    /// <exception cref="StorageException">The map could not be written or synced; the logical bits are
    /// unchanged.</exception>
    public void Raise(ExtentMark mark, ReadOnlySpan<ExtentRun> runs)
    {
        lock (_gate)
        {
            var stored = _stored[(int)mark];
            var wanted = new ExtentRun[runs.Length];
            var missing = false;
            for (var i = 0; i < runs.Length; i++)
            {
                wanted[i] = mark == ExtentMark.Active ? Grouped(runs[i]) : runs[i];
                missing |= !stored.AllSet(runs[i]);
            }

            if (missing)
            {
                _file.Store(mark, stored, wanted);
                _file.Sync();
            }

            lock (_order.Gate)
            {
                var now = _order.Newest.Value;
                foreach (var run in missing ? wanted : runs)
                {
                    stored.Set(run);
                    _logical[(int)mark].Set(run);
                    for (var extent = run.First; extent <= run.Last; extent++)
                    {
                        _lastLsn[extent] = Math.Max(_lastLsn[extent], now);
                    }
                }
            }
        }
    }

    /// <summary>Clears the Active bits of extents untouched since a number. Under the order lock.</summary>
    public void ClearQuiet(Lsn through)
    {
        var active = _logical[(int)ExtentMark.Active];
        foreach (var extent in active.SetBits())
        {
            if (_lastLsn[extent] <= through.Value)
            {
                active.Clear(extent);
            }
        }
    }

    /// <summary>
    /// Returns the bits that may be lowered after a sync of the disk that starts from now on; null if there are none.
    /// </summary>
    public LoweringProposal? Propose()
    {
        lock (_gate)
        {
            lock (_order.Gate)
            {
                var active = Lowerable(ExtentMark.Active);
                var dirty = Lowerable(ExtentMark.Dirty);
                return active is null && dirty is null
                    ? null
                    : new LoweringProposal(active ?? [], dirty ?? [], _order.Newest);
            }
        }
    }

    /// <summary>Lowers the proposed bits, after the sync.</summary>
    public void Lower(LoweringProposal proposal)
    {
        lock (_gate)
        {
            Lower(ExtentMark.Active, proposal.Active, proposal.Newest);
            Lower(ExtentMark.Dirty, proposal.Dirty, new Lsn(long.MaxValue));
        }
    }

    /// <summary>Makes lowered bits durable; only a clean shutdown needs it.</summary>
    public void Sync() => _file.Sync();

    /// <summary>Extends the map for a grown disk; new extents are clear.</summary>
    public void Grow(long bytes)
    {
        lock (_gate)
        {
            var extents = ExtentsOf(bytes);
            _file.Grow(extents);
            lock (_order.Gate)
            {
                foreach (var bits in _stored.Concat(_logical))
                {
                    bits.Grow(extents);
                }

                Array.Resize(ref _lastLsn, extents);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private ExtentRun Grouped(ExtentRun run) =>
        new(run.First, Math.Min(_file.Extents - 1, run.Last | (ActivationGroup - 1)));

    private ulong[]? Lowerable(ExtentMark mark)
    {
        var (stored, logical) = (_stored[(int)mark].Words, _logical[(int)mark].Words);
        ulong[]? words = null;
        for (var i = 0; i < stored.Length; i++)
        {
            var extra = stored[i] & ~logical[i];
            if (extra != 0)
            {
                words ??= new ulong[stored.Length];
                words[i] = extra;
            }
        }

        return words;
    }

    private void Lower(ExtentMark mark, ulong[] words, Lsn newest)
    {
        var (stored, logical) = (_stored[(int)mark], _logical[(int)mark]);
        var lowered = new ulong[words.Length];
        lock (_order.Gate)
        {
            for (var i = 0; i < words.Length; i++)
            {
                for (var word = words[i] & ~logical.Words[i]; word != 0; word &= word - 1)
                {
                    var bit = System.Numerics.BitOperations.TrailingZeroCount(word);
                    lowered[i] |= _lastLsn[(i << 6) + bit] <= newest.Value ? 1UL << bit : 0;
                }
            }
        }

        if (lowered.AsSpan().ContainsAnyExcept(0UL))
        {
            stored.ClearAll(lowered);
            _file.StoreChanged(mark, stored, lowered);
        }
    }
}

/// <summary>The bits that may be lowered after a sync of the disk.</summary>
internal sealed record LoweringProposal(ulong[] Active, ulong[] Dirty, Lsn Newest);
