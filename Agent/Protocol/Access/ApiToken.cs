using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace ReplicationEngine.Agent.Protocol.Access;

/// <summary>
/// The secret that grants access to a service's API: <c>ID.SECRET</c>, where ID is 16 hexadecimal digits that name the
/// token and SECRET is 32 random bytes in base64url. The service discloses the ID of its token to every client, so that
/// a client with several tokens sends only the matching one.
/// </summary>
public sealed partial class ApiToken
{
    /// <summary>The name of the file in a service's data directory that holds its token.</summary>
    public const string FileName = "api-token";

    private const int SecretBytes = 32;
    private const int IdBytes = 8;

    // No valid token file is longer. The limit keeps other files at the path from being read whole.
    private const int LongestFile = 4096;

    private readonly string _text;

    private ApiToken(string text) => (_text, Id) = (text, text[..(IdBytes * 2)]);

    /// <summary>The token's public name.</summary>
    public string Id { get; }

    /// <summary>The value of the request header <c>Authorization</c> (RFC 6750).</summary>
    public string Authorization => "Bearer " + _text;

    /// <summary>Creates a new random token.</summary>
    public static ApiToken Make() => new(
        Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(IdBytes)) + "."
        + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes)));

    /// <summary>Parses a token; leading and trailing white space is ignored.</summary>
    /// <returns>False if the text is not a token.</returns>
    public static bool TryParse(string text, [NotNullWhen(true)] out ApiToken? token)
    {
        var trimmed = text.Trim();
        token = Form().IsMatch(trimmed) ? new ApiToken(trimmed) : null;
        return token is not null;
    }

    /// <summary>Reads a token from a file.</summary>
    /// <exception cref="ApiTokenException">The file is missing, unreadable or holds no token; the message names it and
    /// the remedy.</exception>
    public static ApiToken Read(string path)
    {
        try
        {
            using var file = new StreamReader(path, Encoding.ASCII);
            var buffer = new char[LongestFile];
            return TryParse(new string(buffer, 0, file.ReadBlock(buffer)), out var token)
                ? token
                : throw new ApiTokenException(
                    $"'{path}' does not contain an API token; name the file {FileName} in the service's data "
                    + "directory, or a copy of it.");
        }
        catch (Exception e) when (e is IOException and not ApiTokenException or UnauthorizedAccessException)
        {
            throw new ApiTokenException($"The API token in '{path}' cannot be read: {e.Message}", e);
        }
    }

    /// <summary>Writes the token to a file that only the current user can read, replacing any existing file.</summary>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">The user has no permission to write the file.</exception>
    public void Write(string path)
    {
        var fresh = $"{path}.{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(IdBytes))}";
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            Options = FileOptions.WriteThrough,
        };
        try
        {
            using (var file = new FileStream(fresh, options))
            {
                file.Write(Encoding.ASCII.GetBytes(_text + "\n"));
            }

            File.Move(fresh, path, overwrite: true);
        }
        catch
        {
            File.Delete(fresh);
            throw;
        }
    }

    /// <summary>
    /// Returns whether a request's header <c>Authorization</c> carries this token. The comparison takes constant time.
    /// </summary>
    public bool Admits(string? authorization) => CryptographicOperations.FixedTimeEquals(
        SHA256.HashData(Encoding.UTF8.GetBytes(Authorization)),
        SHA256.HashData(Encoding.UTF8.GetBytes(authorization ?? "")));

    /// <summary>Returns the token's name; never the secret.</summary>
    public override string ToString() => $"API token {Id}";

    [GeneratedRegex(@"\A[0-9a-f]{16}\.[A-Za-z0-9_-]{43}\z", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Form();
}

/// <summary>A file that should hold an API token is missing, unreadable or holds no token.</summary>
public sealed class ApiTokenException(string message, Exception? inner = null) : IOException(message, inner);
