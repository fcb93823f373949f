using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>
/// I12: no recovery point is sealed in the middle of a resync. A point whose cut lies before the start of the resync
/// may appear later, because the next sync seals it.
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

    /// <summary>Returns the position of the first start of a generation in some records.</summary>
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
