using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using ReplicationEngine.Vault.Contracts;

namespace ReplicationEngine.Vault.Cli;

/// <summary>
/// The JSON of the HTTP contract and of <c>--json</c>: camel case, nulls written unless a result specifies otherwise.
/// </summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(IReadOnlyList<VmView>))]
[JsonSerializable(typeof(VmView))]
[JsonSerializable(typeof(IReadOnlyList<PointView>))]
[JsonSerializable(typeof(IReadOnlyList<LogLineView>))]
[JsonSerializable(typeof(StateAtView))]
[JsonSerializable(typeof(IReadOnlyList<JobView>))]
[JsonSerializable(typeof(IReadOnlyList<AgentView>))]
[JsonSerializable(typeof(OperationAccepted))]
[JsonSerializable(typeof(ProblemView))]
[JsonSerializable(typeof(OperationResult))]
[JsonSerializable(typeof(ProtectResult))]
[JsonSerializable(typeof(FailoverResult))]
[JsonSerializable(typeof(PointResult))]
[JsonSerializable(typeof(UriResult))]
[JsonSerializable(typeof(AgentForgotten))]
[JsonSerializable(typeof(IReadOnlyList<ProjectionView>))]
[JsonSerializable(typeof(ProjectionView))]
[JsonSerializable(typeof(HealthView))]
[JsonSerializable(typeof(IReadOnlyList<AuditView>))]
internal sealed partial class CliJson : JsonSerializerContext
{
    /// <summary>The JSON context of results: slashes and angle brackets of paths and URIs stay readable.</summary>
    public static CliJson Output { get; } = new(new JsonSerializerOptions(JsonSerializerDefaults.Web)
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });

    /// <summary>Returns the JSON form of a result type.</summary>
    public static JsonTypeInfo<T> For<T>() => (JsonTypeInfo<T>)Output.GetTypeInfo(typeof(T))!;
}

/// <summary>The problem with which a server refuses a request (RFC 9457).</summary>
internal sealed record ProblemView(string? Title, string? Detail, string? Code, int? Status);
