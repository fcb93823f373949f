using ReplicationEngine.DataPlane.Replicas.Manifests;
using ReplicationEngine.DataPlane.Replicas.Points;
using ReplicationEngine.DataPlane.Replicas.Views;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.DataPlane.Replicas.Maintenance;

/// <summary>Computes the missing content digests of points, one point after another.</summary>
/// <remarks>The store's session lock guards the state; a step reads under the log's gate.</remarks>
internal sealed class Grading(LayerStack content, DamageLedger damage)
{
    private GradeJob? _job;

    /// <summary>Runs one step; false if no point waits for its digest.</summary>
    public bool Step()
    {
        if (_job is not null && !IsUsable(_job.Point))
        {
            End();
        }

        _job ??= Next();
        if (_job is null)
        {
            return false;
        }

        try
        {
            if (!StepUnderGate(_job))
            {
                content.Log.Record(new StoreRecord.PointGraded(_job.Point.Id, _job.Digest));
                End();
            }
        }
        catch (DamagedRangeException e)
        {
            damage.Report(_job.Point.Id, e);
            damage.Settle();
        }

        return true;
    }

    /// <summary>Drops the unfinished work; the next step starts it again.</summary>
    public void End()
    {
        _job?.Dispose();
        _job = null;
    }

    private bool IsUsable(RecoveryPoint point) =>
        content.State.Points.Exists(p => p.Point.Id == point.Id && p.Point.Usable);

    private GradeJob? Next()
    {
        var (point, layer) = content.State.Points.Find(p => p.Point.Grade == PointGrade.Received && p.Point.Usable);
        return point is null ? null : new GradeJob(content, point, layer);
    }

    private bool StepUnderGate(GradeJob job)
    {
        content.Log.Gate.EnterReadLock();
        try
        {
            return job.Step();
        }
        finally
        {
            content.Log.Gate.ExitReadLock();
        }
    }
}
