using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using ReplicationEngine.Engine.Jobs;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Vault.Contracts.Operations;

/// <summary>The arguments of an operation: the body of its request. A member that is left out, or null, has its
/// default.</summary>
public abstract record OperationArguments
{
    /// <summary>A GUID that makes a repeated request the same one (I19): it has one effect and the same answer, and the
    /// same job while that is among the VM's last 12. One of version 7 (RFC 9562) is stored fastest; null means a new
    /// one. Ids are per VM: one that was used for another operation of the VM, or with other arguments, is refused with
    /// 409 <c>command-id-reused</c>. A request that was refused leaves nothing behind, so after a restart of the
    /// service its id is free again.</summary>
    public string? CommandId { get; init; }
}

/// <summary>A row of <see cref="VmOperations"/>: all that service and clients know of an operation, but for the phases
/// that allow it, which <see cref="ProtectedVmOperations"/> decides. Immutable.</summary>
public abstract class VmOperation
{
    private protected VmOperation(
        string name, Operation operation, JobKind? job, OperationPermission permission, string help, Type arguments)
    {
        (Name, Operation, Job, Permission, Help) = (name, operation, job, permission, help);
        Arguments = ApiJson.Options.GetTypeInfo(arguments);
        Members = [.. Arguments.Properties.Select(property => property.Name)];
    }

    /// <summary>The name, as it stands in the URL.</summary>
    public string Name { get; }

    /// <summary>The domain's operation.</summary>
    public Operation Operation { get; }

    /// <summary>The kind of job that carries it out; null when it is done at once.</summary>
    public JobKind? Job { get; }

    /// <summary>What its user has to be allowed.</summary>
    public OperationPermission Permission { get; }

    /// <summary>What it does, in a sentence without a full stop.</summary>
    public string Help { get; }

    /// <summary>How its arguments stand in JSON.</summary>
    public JsonTypeInfo Arguments { get; }

    /// <summary>The members that a request's body may have.</summary>
    public IReadOnlyList<string> Members { get; }

    /// <summary>The arguments in a request's body.</summary>
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

    /// <summary>A request's body with these arguments.</summary>
    public JsonNode Write(OperationArguments arguments) => JsonSerializer.SerializeToNode(arguments, Arguments)!;

    /// <summary>The command that the operation becomes.</summary>
    /// <param name="vm">The VM's name.</param>
    /// <param name="arguments">What <see cref="Read"/> gave.</param>
    /// <param name="facts">What only the service knows.</param>
    /// <exception cref="BadRequestException">An argument is missing or wrong.</exception>
    public abstract ProtectedVmCommand CommandFor(string vm, OperationArguments arguments, OperationFacts facts);

    /// <summary>
    /// What tells a request from every other of the same VM: SHA-256 over the operation and its arguments, in
    /// hexadecimal digits. An argument that is left out is the same as its default; the command id does not count.
    /// </summary>
    public string DigestOf(OperationArguments arguments)
    {
        var text = $"{Name}:{Write(arguments with { CommandId = null }).ToJsonString()}";
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));
    }

    // What was given and is not null, under the spelling that the arguments have.
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

/// <summary>The row of an operation with its own kind of arguments.</summary>
/// <typeparam name="TArguments">The arguments.</typeparam>
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
