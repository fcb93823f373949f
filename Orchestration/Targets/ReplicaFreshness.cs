using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Orchestration.Sources;

namespace ReplicationEngine.Orchestration.Targets;

/// <summary>
/// Tracks up to which moment a replica, and each point in it, is known to hold every write, from which a failover
/// reports its data loss (I21). Measured by the monotonic clock within this run of the service (I26).
/// </summary>
/// <remarks>A single lock guards all members; no external code is called under it.</remarks>
internal sealed class ReplicaFreshness(TimeProvider time)
{
    private const int Kept = 4096;
    private readonly Lock _guard = new();
    private readonly Queue<(ChangePosition Tail, ServiceMoment At)> _reported = new();
    private readonly Dictionary<RecoveryPointId, long> _completeAt = [];
    private IReadOnlySet<RecoveryPointId> _askedBefore = new HashSet<RecoveryPointId>();
    private ServiceMoment? _completeAsOf;

    /// <summary>Records which points an earlier run of the service may have requested.</summary>
    public void Restore(IReadOnlySet<RecoveryPointId> askedBefore) => _askedBefore = askedBefore;

    /// <inheritdoc cref="ITargetVolume.NoteReport"/>
    public void NoteReport(SourceObservation observation, ServiceMoment? before)
    {
        if (before is not { } at
            || observation is not { Role: SourceRole.Primary or SourceRole.Quiesced, Capture: CaptureMode.Logging })
        {
            return;
        }

        lock (_guard)
        {
            _reported.Enqueue((new ChangePosition(observation.Generation, observation.Tail), at));
            while (_reported.Count > Kept)
            {
                _reported.Dequeue();
            }
        }
    }

    /// <inheritdoc cref="ITargetVolume.NoteAsked"/>
    public void NoteAsked(RecoveryPointId point)
    {
        if (!_askedBefore.Contains(point))
        {
            NoteComplete(point, time.GetTimestamp());
        }
    }

    /// <summary>Records that a point holds what was received, and not what its marker would have stood for.</summary>
    public void Forget(RecoveryPointId point)
    {
        lock (_guard)
        {
            _completeAt.Remove(point);
        }
    }

    /// <summary>Records the moment up to which a point is complete, unless one is already known.</summary>
    public void NoteComplete(RecoveryPointId point, long stamp)
    {
        lock (_guard)
        {
            if (_completeAt.Count >= Kept)
            {
                _completeAt.Remove(_completeAt.MinBy(one => one.Value).Key);
            }

            // A point that is requested again may be the one that was marked after the first request.
            _completeAt.TryAdd(point, stamp);
        }
    }

    /// <summary>
    /// Returns the latest moment up to which the replica is known to hold every write. Without a report in this run of
    /// the service, the newest point's time is used.
    /// </summary>
    /// <param name="applied">The position up to which the replica is applied.</param>
    /// <param name="newestPoint">The time of the newest point; the epoch when there is none.</param>
    public (DateTimeOffset At, long? Stamp) CompleteAsOf(ChangePosition applied, DateTimeOffset newestPoint)
    {
        lock (_guard)
        {
            while (_reported.TryPeek(out var report) && report.Tail.CompareTo(applied) <= 0)
            {
                _completeAsOf = _reported.Dequeue().At;
            }

            return _completeAsOf is { } known
                ? (known.At > newestPoint ? known.At : newestPoint, known.Stamp) : (newestPoint, null);
        }
    }

    /// <summary>
    /// Returns the age of the moment up to which a point is known to hold every write: by the monotonic clock when that
    /// moment was in this run of the service, otherwise by the point's time (I26). Never negative.
    /// </summary>
    public TimeSpan AgeOf(RecoveryPointId point, DateTimeOffset pointTime)
    {
        lock (_guard)
        {
            var age = _completeAt.TryGetValue(point, out var stamp)
                ? time.GetElapsedTime(stamp) : time.GetUtcNow() - pointTime;
            return age < TimeSpan.Zero ? TimeSpan.Zero : age;
        }
    }
}
