using ReplicationEngine.DataPlane.Changes;

namespace ReplicationEngine.DataPlane.Transport.Sending;

/// <summary>The properties of a batch of log records on which the order of a resync depends.</summary>
/// <param name="Bytes">The size of the records in bytes.</param>
/// <param name="Records">The number of records.</param>
/// <param name="StartsGeneration">Whether a generation starts in the batch.</param>
/// <param name="WritesBeforeStart">Whether data was changed before that start (or at all, if none starts).</param>
/// <param name="WritesAfterStart">Whether data was changed after the last start.</param>
internal readonly record struct LogBatch(
    int Bytes, int Records, bool StartsGeneration, bool WritesBeforeStart, bool WritesAfterStart)
{
    /// <summary>Reads the headers of whole records.</summary>
    /// <exception cref="ReplicationLogCorruptException">A header is damaged.</exception>
    public static LogBatch Scan(ReadOnlySpan<byte> records)
    {
        var (count, starts, before, after) = (0, false, false, false);
        for (var at = 0; at < records.Length; count++)
        {
            if (!ChangeRecord.TryReadHeader(records[at..], out var header)
                || header.EncodedLength > records.Length - at)
            {
                throw new ReplicationLogCorruptException(
                    $"The log returned a damaged record at byte {at} of a batch.");
            }

            if (header.Kind == ChangeKind.GenerationStart)
            {
                before |= after;
                (starts, after) = (true, false);
            }
            else
            {
                after |= header.Kind is ChangeKind.Write or ChangeKind.Zeroes;
            }

            at += header.EncodedLength;
        }

        return starts
            ? new LogBatch(records.Length, count, true, before, after)
            : new LogBatch(records.Length, count, false, after, false);
    }
}
