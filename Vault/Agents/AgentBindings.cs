using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.Vault.Agents;

/// <summary>
/// The vault's id, and the key that each agent's name is bound to. Both are stored in <c>agents.json</c> of the data
/// directory, which is replaced as a whole. A name stays bound to the first key that registers it until an operator has
/// it forgotten (F19). Safe to use from several tasks.
/// </summary>
internal sealed class AgentBindings
{
    private const string FileName = "agents.json";
    private const int FormatVersion = 1;
    private const int VaultIdBytes = 16;
    private const int MostNames = 10_000;

    private readonly Lock _guard = new();
    private readonly string _path;
    private readonly TimeProvider _time;
    private volatile BindingsFile _file;

    /// <summary>Reads the file, or creates it.</summary>
    /// <exception cref="IOException">The file cannot be read or written, or is damaged.</exception>
    public AgentBindings(string dataDirectory, TimeProvider time)
    {
        (_path, _time) = (Path.Combine(dataDirectory, FileName), time);
        if (File.Exists(_path))
        {
            _file = Read(_path);
            return;
        }

        _file = new BindingsFile(
            FormatVersion, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(VaultIdBytes)),
            ImmutableSortedDictionary.Create<string, AgentBinding>(StringComparer.Ordinal));
        Write(_file);
    }

    /// <summary>The id of the vault that this service holds.</summary>
    public string Vault => _file.Vault;

    /// <summary>Returns the key that a name is bound to; null when it is not bound.</summary>
    public string? KeyOf(string agent) => _file.Agents.TryGetValue(agent, out var bound) ? bound.Key : null;

    /// <summary>All names that are bound to a key, in ordinal order.</summary>
    public IEnumerable<string> Names => _file.Agents.Keys;

    /// <summary>Binds a name to a key, durably; does nothing when it is bound to that key already.</summary>
    /// <exception cref="IOException">The binding cannot be stored, or there are too many names.</exception>
    /// <exception cref="InvalidOperationException">The name is bound to another key.</exception>
    public void Bind(string agent, string key)
    {
        lock (_guard)
        {
            if (KeyOf(agent) is { } bound)
            {
                _ = bound == key ? true
                    : throw new InvalidOperationException($"The name '{agent}' belongs to another key.");
                return;
            }

            if (_file.Agents.Count >= MostNames)
            {
                throw new IOException(
                    $"{MostNames} agents are already registered; release the names of those that no longer exist with "
                    + "`drctl agents forget`.");
            }

            Store(_file.Agents.Add(agent, new AgentBinding(key, _time.GetUtcNow())));
        }
    }

    /// <summary>Releases a name from its key, durably. The next agent that registers the name gets it.</summary>
    /// <returns>False when the name is not bound.</returns>
    public bool Forget(string agent)
    {
        lock (_guard)
        {
            if (KeyOf(agent) is null)
            {
                return false;
            }

            Store(_file.Agents.Remove(agent));
            return true;
        }
    }

    private void Store(ImmutableSortedDictionary<string, AgentBinding> agents)
    {
        var next = _file with { Agents = agents };
        Write(next);
        _file = next;
    }

    private void Write(BindingsFile file) =>
        PrivateFile.Write(_path, JsonSerializer.SerializeToUtf8Bytes(file, BindingsJson.Default.BindingsFile));

    private static BindingsFile Read(string path)
    {
        try
        {
            var file = JsonSerializer.Deserialize(File.ReadAllBytes(path), BindingsJson.Default.BindingsFile);
            return file is { Version: FormatVersion }
                ? file with { Agents = file.Agents.WithComparers(StringComparer.Ordinal) }
                : throw new JsonException($"its version is {file?.Version}, not {FormatVersion}");
        }
        catch (Exception e) when (e is JsonException or NotSupportedException)
        {
            throw new IOException(
                $"'{path}' records which agent owns which name, and cannot be read ({e.Message}). Restore it from a "
                    + "backup, or move it away; each name then goes to the first agent that registers it.",
                e);
        }
    }
}

/// <summary>The stored form of the bindings.</summary>
internal sealed record BindingsFile(
    int Version, string Vault, ImmutableSortedDictionary<string, AgentBinding> Agents);

/// <summary>The key that a name is bound to (SubjectPublicKeyInfo in base64), and the time of the binding.</summary>
internal sealed record AgentBinding(string Key, DateTimeOffset Since);

/// <summary>Source-generated JSON of the file.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(BindingsFile))]
internal sealed partial class BindingsJson : JsonSerializerContext;
