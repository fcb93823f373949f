namespace ReplicationEngine.Vault.Contracts;

/// <summary>How lists are paged: <c>?most=N</c> asks for fewer entries than one answer holds at most.</summary>
public static class Paging
{
    /// <summary>The most entries that one answer holds, and the number without <c>?most</c>.</summary>
    public const int Most = 500;
}
