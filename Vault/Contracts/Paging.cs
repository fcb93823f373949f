namespace ReplicationEngine.Vault.Contracts;

/// <summary>The paging of lists: <c>?most=N</c> requests fewer entries than one response can hold.</summary>
public static class Paging
{
    /// <summary>The most entries in one response, and the default of <c>?most</c>.</summary>
    public const int Most = 500;
}
