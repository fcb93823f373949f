using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using ReplicationEngine.Engine.Jobs;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Vault.Contracts.Operations;

/// <summary>
/// The arguments of an operation: the body of its request. A member that is absent or null has its default.
/// </summary>
public abstract record OperationArguments
{
    /// <summary>
    /// The idempotency key of the request, a GUID (I19). A repeated request has no further effect and gets the same
    /// response, with the same job while that is among the VM's last 12. Version 7 (RFC 9562) is stored fastest; null
    /// means a new id. Ids are per VM: an id that was used for another operation of the VM, or with other arguments, is
    /// refused with 409 <c>command-id-reused</c>. A refused request stores nothing, so its id is free again after a
    /// restart of the service.
    /// </summary>
    public string? CommandId { get; init; }
}

/// <summary>
/// A row of <see cref="VmOperations"/>: everything that service and clients know about an operation, except the phases
/// that allow it, which <see cref="ProtectedVmOperations"/> decides. Immutable.
/// </summary>
public abstract class VmOperation
{
    private protected VmOperation(
        string name, Operation operation, JobKind? job, OperationPermission permission, string help, Type arguments)
    {
        (Name, Operation, Job, Permission, Help) = (name, operation, job, permission, help);
        Arguments = ApiJson.Options.GetTypeInfo(arguments);
        Members = [.. Arguments.Properties.Select(property => property.Name)];
    }

    /// <summary>The operation's name in the URL.</summary>
    public string Name { get; }

    /// <summary>The domain's operation.</summary>
    public Operation Operation { get; }

    /// <summary>The kind of job that runs the operation; null when it completes immediately.</summary>
    public JobKind? Job { get; }

    /// <summary>The permission that the user needs.</summary>
    public OperationPermission Permission { get; }

    /// <summary>The help text: one sentence without a full stop.</summary>
    public string Help { get; }

    /// <summary>The JSON form of the operation's arguments.</summary>
    public JsonTypeInfo Arguments { get; }

    /// <summary>The members that a request's body may have.</summary>
    public IReadOnlyList<string> Members { get; }

    /// <summary>Reads the arguments from a request's body.</summary>
    /// <exception cref="BadRequestException">The body is no object, or a member is unknown or of a wrong
    /// type.</exception>
    public OperationArguments Read(JsonElement body)
    {
        if (body.ValueKind is not JsonValueKind.Object)
        {
            throw new BadRequestException($"The arguments of {Name} must be a JSON object.");
        }

        try
        {
            return (OperationArguments)Known(body).Deserialize(Arguments)!;
        }
        catch (JsonException e)
        {
            throw new BadRequestException(WrongType(e));
        }
        catch (InvalidOperationException)
        {
            throw new BadRequestException($"The arguments of {Name} contain text that is not valid Unicode.");
        }
    }

    /// <summary>Writes arguments as a request's body.</summary>
    public JsonNode Write(OperationArguments arguments) => JsonSerializer.SerializeToNode(arguments, Arguments)!;

    /// <summary>Returns the domain command for a request.</summary>
    /// <param name="vm">The VM's name.</param>
    /// <param name="arguments">Arguments that <see cref="Read"/> returned.</param>
    /// <param name="facts">Facts that only the service knows.</param>
    /// <exception cref="BadRequestException">An argument is missing or wrong.</exception>
    public abstract ProtectedVmCommand CommandFor(string vm, OperationArguments arguments, OperationFacts facts);

    /// <summary>
    /// Returns a digest that identifies a request among those of the same VM: SHA-256 over the operation and its
    /// arguments, in hexadecimal digits. An absent argument counts as its default; the command id is not included.
    /// </summary>
    public string DigestOf(OperationArguments arguments)
    {
        var text = $"{Name}:{Write(arguments with { CommandId = null }).ToJsonString()}";
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }

    // The members that are present and not null, under the spelling of the arguments' record.
    private JsonObject Known(JsonElement body)
    {
        var given = new JsonObject();
        foreach (var member in body.EnumerateObject())
        {
            var known = Members.FirstOrDefault(name => name.Equals(member.Name, StringComparison.OrdinalIgnoreCase))
                ?? throw new BadRequestException(
                    $"'{member.Name}' is not an argument of {Name}; its arguments are {string.Join(", ", Members)}.");
            if (member.Value.ValueKind is JsonValueKind.Null)
            {
                given.Remove(known);
            }
            else
            {
                given[known] = JsonNode.Parse(member.Value.GetRawText());
            }
        }

        return given;
    }

    private string WrongType(JsonException wrong)
    {
        var member = wrong.Path?.Split('.', '[', ']').Skip(1).FirstOrDefault(part => part.Length > 0) ?? "";
        var type = Arguments.Properties.FirstOrDefault(property => property.Name == member)?.PropertyType;
        var wanted = type == typeof(bool) ? "true or false" : type == typeof(string) ? "a string" : "a list of strings";
        return $"'{member}' of {Name} must be {wanted}.";
    }
}

/// <summary>The row of an operation with its own type of arguments.</summary>
/// <typeparam name="TArguments">The operation's arguments.</typeparam>
public sealed class VmOperation<TArguments> : VmOperation
    where TArguments : OperationArguments
{
    private readonly Func<string, TArguments, OperationFacts, ProtectedVmCommand> _command;

    internal VmOperation(
        string name, Operation operation, JobKind? job, OperationPermission permission, string help,
        Func<string, TArguments, OperationFacts, ProtectedVmCommand> command)
        : base(name, operation, job, permission, help, typeof(TArguments)) => _command = command;

    /// <inheritdoc/>
    public override ProtectedVmCommand CommandFor(string vm, OperationArguments arguments, OperationFacts facts) =>
        _command(vm, (TArguments)arguments, facts);
}
