using System.CommandLine;
using System.Globalization;
using System.Text.RegularExpressions;
using ReplicationEngine.Vault.Serving;

namespace ReplicationEngine.Vault.Cli;

/// <summary>Parses typed values: URLs, sizes, names. Each refusal names the value and the correct form.</summary>
internal static partial class InputText
{
    private static readonly (string Suffix, long Factor)[] Units =
        [("TiB", 1L << 40), ("GiB", 1L << 30), ("MiB", 1L << 20), ("KiB", 1L << 10), ("B", 1), ("", 1)];

    /// <summary>
    /// Returns the option for the age at which events leave the journal; its value is null for never.
    /// </summary>
    public static Option<TimeSpan?> ArchiveAfter(string description) => new("--archive-after")
    {
        HelpName = "DAYS",
        Description = description,
        DefaultValueFactory = _ => ServeOptions.DefaultArchiveAfter,
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (text == "never")
            {
                return null;
            }

            if (TryDays(text, out var age))
            {
                return age;
            }

            result.AddError($"'{text}' is not an age; write a number of days such as 30, or never.");
            return null;
        },
    };

    /// <summary>Parses a number of days, such as 30 or 0.5.</summary>
    public static bool TryDays(string text, out TimeSpan days)
    {
        const double mostDays = 36_500;
        var good = double.TryParse(
            text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) && number <= mostDays;
        days = good ? TimeSpan.FromDays(number) : default;
        return good;
    }

    /// <summary>Parses an http or https URL with a host and nothing after the port.</summary>
    public static Uri Url(string text, string option)
    {
        if (Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
            && url!.Host.Length > 0
            && url.PathAndQuery == "/" && url.Fragment.Length == 0 && url.UserInfo.Length == 0)
        {
            return url;
        }

        throw CommandFailedException.Usage(
            $"'{text}' is not the URL of a server; write one such as {ClientOptions.DefaultServer} for {option}.");
    }

    /// <summary>Parses a host name or an IP address, without a port.</summary>
    public static string HostName(string text, string option) =>
        Uri.CheckHostName(text.Trim('[', ']')) != UriHostNameType.Unknown
            ? text.Trim('[', ']')
            : throw CommandFailedException.Usage(
                $"'{text}' is not a host name; write one such as dr.example.org, without a port, for {option}.");

    /// <summary>Parses a number of bytes, above 0, with an optional suffix KiB, MiB, GiB or TiB.</summary>
    /// <returns>False, with a sentence, when <paramref name="text"/> is not a size.</returns>
    public static bool TrySize(string text, out long bytes, out string sentence)
    {
        sentence = $"'{text}' is not a size; write bytes, or a number with KiB, MiB, GiB or TiB, such as 512MiB.";
        bytes = 0;
        var (suffix, factor) = Units.First(unit => text.EndsWith(unit.Suffix, StringComparison.OrdinalIgnoreCase));
        var digits = text[..^suffix.Length].TrimEnd();
        if (!long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number == 0
            || number > long.MaxValue / factor)
        {
            return false;
        }

        bytes = number * factor;
        return true;
    }

    /// <summary>Parses permissions of a file: three or four octal digits, such as 0660.</summary>
    /// <returns>False, with a sentence, when <paramref name="text"/> is not a mode.</returns>
    public static bool TryMode(string text, out UnixFileMode mode, out string sentence)
    {
        const int octal = 8;
        sentence = $"'{text}' is not a mode; write octal digits from 0000 to 0777, such as 0660.";
        mode = UnixFileMode.None;
        if (text.Length is < 3 or > 4 || text.Any(c => c is < '0' or > '7') || (text.Length == 4 && text[0] != '0'))
        {
            return false;
        }

        mode = (UnixFileMode)text.Aggregate(0, (bits, digit) => (bits * octal) + (digit - '0'));
        return true;
    }

    /// <summary>Parses the name of a VM, as <see cref="Engine.Identifiers.ProtectedVmId"/> allows it.</summary>
    public static string VmName(string text) => VmNamePattern().IsMatch(text)
        ? text
        : throw CommandFailedException.Usage(
            $"'{text}' is not a valid VM name; use 1 to 64 letters, digits, dots, dashes or underscores, starting with "
                + $"a letter or digit.");

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\z", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex VmNamePattern();
}
