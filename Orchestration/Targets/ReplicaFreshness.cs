using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Orchestration.Sources;

namespace ReplicationEngine.Orchestration.Targets;

/// <summary>
/// Up to which moment a replica, and each point in it, is known to hold every write: what a failover says of the data
/// it loses (I21). Counted by the clock that is never set, as far as this life of the service knows (I26).
/// </summary>
/// <remarks>One lock guards all of it; nothing is called under it.</remarks>
internal sealed class ReplicaFreshness(TimeProvider time)
{
    private const int Kept = 4096;
    private readonly Lock _guard = new();
    private readonly Queue<(ChangePosition Tail, ServiceMoment At)> _reported = new();
    private readonly Dictionary<RecoveryPointId, long> _completeAt = [];
    private IReadOnlySet<RecoveryPointId> _askedBefore = new HashSet<RecoveryPointId>();
    private ServiceMoment? _completeAsOf;

    /// <summary>Notes which points an earlier life of the service may have asked for.</summary>
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

    /// <summary>
    /// Notes that a point holds what was received rather than what its marker, had it come, would have stood for.
    /// </summary>
    public void Forget(RecoveryPointId point)
    {
        lock (_guard)
        {
            _completeAt.Remove(point);
        }
    }

    /// <summary>Notes the moment up to which a point is complete, unless one is known.</summary>
    public void NoteComplete(RecoveryPointId point, long stamp)
    {
        lock (_guard)
        {
            if (_completeAt.Count >= Kept)
            {
                _completeAt.Remove(_completeAt.MinBy(one => one.Value).Key);
            }

            // Asked again, the point may be the one that was marked when it was asked for first.
            _completeAt.TryAdd(point, stamp);
        }
    }

    /// <summary>
    /// Returns the newest moment of which the replica is known to hold every write. Where no report of this life says
    /// so, the newest point does, by its time alone.
    /// </summary>
    /// <param name="applied">How far the replica is.</param>
    /// <param name="newestPoint">The time of its newest point; the epoch when it has none.</param>
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
    /// Returns how long ago the moment was up to which a point is known to hold every write: by the clock that is never
    /// set where that moment was in this life of the service, else by the point's time (I26). Never negative.
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
