using ReplicationEngine.Vault.Contracts;

namespace ReplicationEngine.Vault.Api;

/// <summary>Reads <c>?most=N</c>.</summary>
internal static class PageSize
{
    /// <summary>The number of entries that were asked for; <see cref="Paging.Most"/> by default.</summary>
    /// <exception cref="BadRequestException">The number is not possible.</exception>
    public static int Of(int? most) => most is null or (> 0 and <= Paging.Most) ? most ?? Paging.Most
        : throw new BadRequestException($"'most' is {most}; give 1 to {Paging.Most}.");
}
