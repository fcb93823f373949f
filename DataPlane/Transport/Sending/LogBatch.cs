using ReplicationEngine.DataPlane.Changes;

namespace ReplicationEngine.DataPlane.Transport.Sending;

/// <summary>What a batch of log records holds, as far as the order of a resync depends on it.</summary>
/// <param name="Bytes">Bytes of the records.</param>
/// <param name="Records">How many they are.</param>
/// <param name="StartsGeneration">A generation begins in it.</param>
/// <param name="WritesBeforeStart">Data was changed before that (or at all, when none begins).</param>
/// <param name="WritesAfterStart">Data was changed after the last beginning.</param>
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
