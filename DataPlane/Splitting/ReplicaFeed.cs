using System.Buffers;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>
/// The stream for the attached replica: the log behind the position where it attached, and the Dirty extents while
/// their resync is not held. One sending session at a time.
/// </summary>
/// <remarks>
/// <b>Locks</b>: attaching and discarding the log take the generation lock first. The order lock guards all fields. The
/// log is read under neither.
/// </remarks>
internal sealed class ReplicaFeed(
    SharedHistory history, VolumeStateFile state, VolumeDisk[] disks, WriteOrder order, ReplicationBacklog backlog,
    VolumeGenerations generations)
{
    /// <summary>The position up to which the session has read the log.</summary>
    private ChangePosition _read;

    /// <summary>
    /// Whether the replica is certainly still resyncing: an extent was Dirty at every moment since the resync's start
    /// was read.
    /// </summary>
    private bool _replicaResyncing;

    /// <summary>See <see cref="IChangeSource.History"/>.</summary>
    public SourceHistory History => history.Statement;

    /// <summary>See <see cref="IChangeSource.IsResyncHeld"/>.</summary>
    public bool IsResyncHeld
    {
        get
        {
            lock (order.Gate)
            {
                return generations.IsHeld(_read);
            }
        }
    }

    /// <summary>See <see cref="IChangeSource.Attach"/>.</summary>
    public ChangePosition Attach(ReplicaPosition replica)
    {
        lock (generations.Gate)
        {
            var isShared = history.Contains(replica);
            ChangePosition? from = null;
            bool isOwn;
            lock (order.Gate)
            {
                isOwn = isShared && WasSent(replica.Durable);
                if (isOwn && CanContinue(replica))
                {
                    from = Adopt(replica, replica.Durable);
                }
            }

            if (from is null)
            {
                generations.Begin(ResyncOf(replica, isShared, isOwn));
                lock (order.Gate)
                {
                    from = Adopt(replica, generations.StreamStart);
                }
            }

            history.Prove(new MarkedPosition(replica.Durable, replica.History.Mark));
            return from.Value;
        }
    }

    /// <summary>See <see cref="IChangeSource.ReadLog"/>.</summary>
    public int ReadLog(ref ChangePosition after, ArrayBufferWriter<byte> target, int maxBytes)
    {
        int bytes;
        try
        {
            bytes = backlog.Log.Read(ref after, target, maxBytes);
        }
        catch (ReplicationLogCorruptException)
        {
            GiveUpLog();
            throw;
        }
        catch (StorageException e)
        {
            GiveUpLog();
            throw new ReplicationLogCorruptException($"the replication log cannot be read: {e.Message}");
        }

        if (bytes > 0)
        {
            lock (order.Gate)
            {
                var start = generations.Start;
                var passes = _read.CompareTo(start) < 0 && after.CompareTo(start) >= 0;
                _replicaResyncing |= passes || _read.Generation != after.Generation;
                _read = after;
            }
        }

        return bytes;
    }

    /// <summary>Returns whether there are changes behind a position, or extents to copy now.</summary>
    public bool HasWork(ChangePosition after)
    {
        lock (order.Gate)
        {
            return backlog.Tail.CompareTo(after) > 0 || (IsDirty() && !generations.IsHeld(_read));
        }
    }

    /// <summary>See <see cref="IChangeSource.DirtyExtents"/>.</summary>
    public IReadOnlyList<DirtyExtent> DirtyExtents()
    {
        var result = new List<DirtyExtent>();
        lock (order.Gate)
        {
            var held = generations.IsHeld(_read);
            if (held && !_replicaResyncing)
            {
                return result;
            }

            var version = held ? 0 : generations.Start.Generation.Value;
            foreach (var disk in disks)
            {
                result.AddRange(disk.Map[ExtentMark.Dirty].SetBits().Select(e => disk.Extent(e, version)));
            }
        }

        return result;
    }

    /// <summary>See <see cref="IChangeSource.ClearDirty"/>.</summary>
    public void ClearDirty(DirtyExtent extent)
    {
        lock (order.Gate)
        {
            var start = generations.Start;
            if (!generations.IsHeld(_read) && extent.Version == start.Generation.Value)
            {
                disks[extent.Disk].Map[ExtentMark.Dirty].Clear((int)(extent.Offset / DirtyExtent.Size));

                // The copy follows the generation's start in the stream. A replica that attaches before that start
                // lacks the copy, so it must not continue from there.
                backlog.AcknowledgeAtLeast(start);
                _replicaResyncing &= IsDirty();
            }
        }
    }

    /// <summary>
    /// Returns whether the log held the position since the floor, and no later acknowledgement passed it. Under the
    /// order lock.
    /// </summary>
    private bool WasSent(ChangePosition position)
    {
        var current = state.Current;
        return current.Attached && position.CompareTo(backlog.Acknowledged) >= 0
            && position.CompareTo(current.AcknowledgedFloor) >= 0 && position.CompareTo(backlog.Tail) <= 0;
    }

    /// <summary>
    /// Returns whether the log continues behind the replica's position and the replica knows of any resync that is
    /// outstanding there. Under the order lock.
    /// </summary>
    private bool CanContinue(ReplicaPosition replica) =>
        backlog.Log.CanFollow(replica.Durable)
        && (!IsDirty() || replica.Resyncing || generations.IsHeld(replica.Durable));

    /// <summary>Starts to send behind a position. Under the order lock.</summary>
    private ChangePosition Adopt(ReplicaPosition replica, ChangePosition from)
    {
        backlog.Adopt(replica.Durable);
        _replicaResyncing = replica.Resyncing;
        return _read = from;
    }

    /// <summary>Returns the generation change for a replica from whose position the log cannot continue.</summary>
    private GenerationChange ResyncOf(ReplicaPosition replica, bool isShared, bool isOwn)
    {
        var cause = !state.Current.Attached ? DirtyCause.InitialReplication
            : isShared ? DirtyCause.ReplicaUnknown : DirtyCause.HistoryForked;

        // Own history but not continuable: the log's records are gone, and the extents they changed are still Active.
        // Shared history: the extents that this side changed since the floor are Active, and the replica reports its
        // own changes. Unknown: anything may differ.
        var scope = isOwn ? ResyncScope.Active
            : history.ChangedSinceFloor(replica) is { } changed ? ResyncScope.ActiveAnd(changed) : ResyncScope.All;
        return new GenerationChange(cause, scope)
        {
            GivesUpLog = true,
            Attachment = new ReplicaAttachment(
                new MarkedPosition(replica.Durable, replica.History.Mark), MovesFloor: !isOwn),
        };
    }

    private void GiveUpLog()
    {
        lock (generations.Gate)
        {
            ChangePosition acknowledged;
            lock (order.Gate)
            {
                acknowledged = backlog.Acknowledged;
            }

            history.Keep(acknowledged);
            generations.Begin(new GenerationChange(DirtyCause.LogDamaged, ResyncScope.Active) { GivesUpLog = true });
        }
    }

    private bool IsDirty()
    {
        foreach (var disk in disks)
        {
            if (disk.Map[ExtentMark.Dirty].Any)
            {
                return true;
            }
        }

        return false;
    }
}
