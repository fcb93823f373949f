using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>
/// I12: no point is sealed in the middle of a resync. One whose cut lies before the resync began may show itself later,
/// since it is sealed with the next sync.
/// </summary>
internal sealed class HalfResyncChecker : Checker
{
    private readonly Dictionary<SimVm, ChangePosition> _began = [];

    /// <inheritdoc/>
    public override string Id => "I12";

    /// <inheritdoc/>
    public override void Applied(SimVm vm, SeenRecords seen)
    {
        if (!seen.Before.Position.Resyncing && seen.After.Position.Resyncing)
        {
            _began[vm] = StartIn(seen.Records.Span);
        }

        if (seen.NewPoints > 0 && seen.Before.Position.Resyncing && seen.After.Position.Resyncing
            && seen.NewestCut.CompareTo(_began.GetValueOrDefault(vm)) > 0)
        {
            throw Broken(vm, $"a point was sealed at {seen.NewestCut} in the middle of a resync");
        }
    }

    /// <summary>Where the first generation of some records starts.</summary>
    private static ChangePosition StartIn(ReadOnlySpan<byte> records)
    {
        while (records.Length > 0 && ChangeRecord.TryReadHeader(records, out var header))
        {
            if (header.Kind == ChangeKind.GenerationStart)
            {
                return new ChangePosition(header.Generation, header.Lsn);
            }

            records = records[header.EncodedLength..];
        }

        return default;
    }
}
