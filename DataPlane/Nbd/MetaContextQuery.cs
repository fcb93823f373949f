using ReplicationEngine.DataPlane.Nbd.Protocol;

namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>
/// The data of LIST_META_CONTEXT and SET_META_CONTEXT: an export's name and patterns of context names.
/// </summary>
/// <param name="Export">The name of the export.</param>
/// <param name="Selects">Whether SET selects base:allocation: one query equals its name.</param>
/// <param name="Lists">
/// Whether LIST shows base:allocation: also for an empty list of queries, and for its namespace.
/// </param>
internal readonly record struct MetaContextQuery(string Export, bool Selects, bool Lists)
{
    private const string Namespace = "base:";

    /// <summary>Parses the option's data; false if it is malformed.</summary>
    public static bool TryRead(ReadOnlySpan<byte> data, out MetaContextQuery query)
    {
        query = default;
        var reader = new OptionReader(data);
        if (!reader.TryReadString(out var export) || !reader.TryReadUInt32(out var count))
        {
            return false;
        }

        var selects = false;
        var lists = count == 0;
        for (var i = 0u; i < count; i++)
        {
            if (!reader.TryReadString(out var pattern))
            {
                return false;
            }

            selects |= string.Equals(pattern, NbdProtocol.AllocationContext, StringComparison.Ordinal);
            lists |= selects || string.Equals(pattern, Namespace, StringComparison.Ordinal);
        }

        query = new MetaContextQuery(export, selects, lists);
        return reader.AtEnd;
    }
}
