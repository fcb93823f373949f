using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence;

/// <summary>Persistence ids as a journal's tables hold them: <c>type|vault|entity</c>.</summary>
internal static class PersistenceIdText
{
    private const char Separator = '|';

    /// <summary>Reads a text; null when it names no entity.</summary>
    public static PersistenceId? Read(string text)
    {
        var parts = text.Split(Separator, 3);
        return parts.Length == 3 && parts.All(part => part.Length > 0)
            ? new PersistenceId(parts[0], new VaultId(parts[1]), parts[2]) : null;
    }

    /// <summary>In the order of their vaults and entities (ordinal).</summary>
    public static IReadOnlyList<T> Ordered<T>(IEnumerable<T> items, Func<T, PersistenceId> idOf) =>
        [.. items.OrderBy(item => idOf(item).Vault.Value, StringComparer.Ordinal)
            .ThenBy(item => idOf(item).Entity, StringComparer.Ordinal)];
}
