using System.Globalization;

namespace ReplicationEngine.DataPlane.Replicas;

/// <summary>
/// The names of a store's files. Owner 0 is the store's own log; each overlay has an owner number. Segments and index
/// files get their numbers from one counter, so that an overlay's files can become the store's without being renamed.
/// </summary>
internal static class FileNames
{
    public const string LogPrefix = "log-";
    public const string CompactPrefix = "compact-";
    public const string LayerPrefix = "layer-";

    public static string Manifest(uint owner) => owner == 0 ? "manifest" : $"overlay-{owner:x8}.manifest";

    public static string Head(uint owner) => owner == 0 ? "head" : $"overlay-{owner:x8}.head";

    public static string Log(uint owner, uint number) => $"{LogPrefix}{owner:x8}-{number:x8}";

    public static string Compact(uint owner, uint number) => $"{CompactPrefix}{owner:x8}-{number:x8}";

    public static string Layer(uint owner, uint number) => $"{LayerPrefix}{owner:x8}-{number:x8}";

    public static string Base(int disk) => $"base-{disk}";

    public static string Sums(int disk) => $"base-{disk}.sums";

    public static string Roots(int disk) => $"base-{disk}.roots";

    public static string Hashes(int disk) => $"hashes-{disk}";

    /// <summary>Parses a name of one of the three numbered kinds into owner and number.</summary>
    public static bool TryParse(string name, out string prefix, out uint owner, out uint number)
    {
        (owner, number) = (0, 0);
        prefix = new[] { LogPrefix, CompactPrefix, LayerPrefix }.FirstOrDefault(p =>
            name.StartsWith(p, StringComparison.Ordinal))
            ?? string.Empty;
        return prefix.Length > 0 && name.Length == prefix.Length + 17
            && uint.TryParse(name.AsSpan(prefix.Length, 8), NumberStyles.AllowHexSpecifier,
                CultureInfo.InvariantCulture, out owner)
            && uint.TryParse(name.AsSpan(prefix.Length + 9), NumberStyles.AllowHexSpecifier,
                CultureInfo.InvariantCulture, out number);
    }
}
