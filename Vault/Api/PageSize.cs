using ReplicationEngine.Vault.Contracts;

namespace ReplicationEngine.Vault.Api;

/// <summary>Reads <c>?most=N</c>.</summary>
internal static class PageSize
{
    /// <summary>Returns the requested number of entries; <see cref="Paging.Most"/> by default.</summary>
    /// <exception cref="BadRequestException">The number is out of range.</exception>
    public static int Of(int? most) => most is null or (> 0 and <= Paging.Most) ? most ?? Paging.Most
        : throw new BadRequestException($"'most' is {most}; give 1 to {Paging.Most}.");
}
