using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence;

/// <summary>Converts persistence ids from their form in a journal's tables: <c>type|vault|entity</c>.</summary>
internal static class PersistenceIdText
{
    private const char Separator = '|';

    /// <summary>Parses a text; null when it names no entity.</summary>
    public static PersistenceId? Read(string text)
    {
        var parts = text.Split(Separator, 3);
        return parts.Length == 3 && parts.All(part => part.Length > 0)
            ? new PersistenceId(parts[0], new VaultId(parts[1]), parts[2]) : null;
    }

    /// <summary>Returns the items ordered by their vaults and entities (ordinal).</summary>
    public static IReadOnlyList<T> Ordered<T>(IEnumerable<T> items, Func<T, PersistenceId> idOf) =>
        [.. items.OrderBy(item => idOf(item).Vault.Value, StringComparer.Ordinal)
            .ThenBy(item => idOf(item).Entity, StringComparer.Ordinal)];
}
