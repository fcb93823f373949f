using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Simulation.Workloads;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>
/// I5: the records that reach a replica are the log, each record once, in order and without gaps, with the content that
/// the guest wrote under that number.
/// </summary>
internal sealed class StreamOrderChecker : Checker
{
    /// <inheritdoc/>
    public override string Id => "I5";

    /// <inheritdoc/>
    public override void Applied(SimVm vm, SeenRecords seen)
    {
        var at = seen.Before.Applied;
        var records = seen.Records.Span;
        while (records.Length > 0 && ChangeRecord.TryReadHeader(records, out var header))
        {
            var place = new ChangePosition(header.Generation, header.Lsn);
            if (header.Kind < ChangeKind.ResyncData && place.CompareTo(at) > 0)
            {
                var opens = header.Kind == ChangeKind.GenerationStart;
                if (!opens && (header.Generation != at.Generation || header.Lsn.Value != at.Lsn.Value + 1))
                {
                    throw Broken(vm, $"record {place} was applied after {at}");
                }

                if (header.Kind == ChangeKind.Write)
                {
                    CheckContent(vm, header, records.Slice(
                        ChangeRecord.DataOffset(header.DataLength), header.DataLength));
                }

                at = place;
            }

            records = records[header.EncodedLength..];
        }

        if (at != seen.After.Applied)
        {
            throw Broken(vm, $"the replica says it applied {seen.After.Applied}, it was given {at}");
        }
    }

    private void CheckContent(SimVm vm, in ChangeHeader header, ReadOnlySpan<byte> data)
    {
        if (vm.Models.Source.Find(header.Lsn.Value) is not { } write)
        {
            return;
        }

        var first = vm.Shape.NumberOf(header.Disk, header.Offset);
        for (var i = 0; i < write.Hashes.Length; i++)
        {
            if (first != write.First || DiskModel.HashOf(data.Slice(i * 512, 512)) != write.Hashes[i])
            {
                throw Broken(vm, $"record {header.Lsn} is not what the guest wrote under that number");
            }
        }
    }
}
