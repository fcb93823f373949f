using System.Text.Json.Nodes;
using System.Text.Json.Schema;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using ReplicationEngine.Vault.Contracts;
using ReplicationEngine.Vault.Contracts.Operations;

namespace ReplicationEngine.Vault.Api;

/// <summary>
/// The API's OpenAPI 3.1 document: <c>GET /api/v1/openapi.json</c>. The operations come from
/// <see cref="VmOperations"/>, one path each; the schemas of the responses come from the contract's records.
/// </summary>
internal static class OpenApiDocument
{
    private const string Json = "application/json";

    private static readonly (string Path, string Summary, Type Answer)[] Reads =
    [
        ("/api/v1/vms", "All VMs", typeof(IReadOnlyList<VmView>)),
        ("/api/v1/vms/{vm}", "A VM", typeof(VmView)),
        ("/api/v1/vms/{vm}/points", "A VM's recovery points, newest first", typeof(IReadOnlyList<PointView>)),
        ("/api/v1/vms/{vm}/log", "A VM's history, oldest first", typeof(IReadOnlyList<LogLineView>)),
        ("/api/v1/jobs", "Jobs, newest first", typeof(IReadOnlyList<JobView>)),
        ("/api/v1/jobs/{id}", "A job", typeof(JobView)),
        ("/api/v1/agents", "The agents", typeof(IReadOnlyList<AgentView>)),
        ("/api/v1/audit", "The accepted requests of users, newest first", typeof(IReadOnlyList<AuditView>)),
        ("/api/v1/projections", "The read models", typeof(IReadOnlyList<ProjectionView>)),
        ("/api/v1/health", "The service's own health", typeof(HealthView)),
        ("/health/live", "Whether the service needs no restart; without a token", typeof(ReadinessView)),
        ("/health/ready", "Whether the service accepts commands; without a token", typeof(ReadinessView)),
    ];

    /// <summary>Adds the route.</summary>
    public static void MapOpenApi(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/api/v1/openapi.json", () => Results.Text(Make().ToJsonString(), Json));

    /// <summary>Returns a new document, which the caller owns.</summary>
    public static JsonObject Make()
    {
        var paths = new JsonObject();
        foreach (var (path, summary, answer) in Reads)
        {
            paths[path] = Path(path, "get", summary, null, "200", Schema(answer));
        }

        foreach (var row in VmOperations.All)
        {
            var path = $"/api/v1/vms/{{vm}}/operations/{row.Name}";
            var body = new JsonObject { ["required"] = true, ["content"] = Content(Json, Schema(row.Arguments.Type)) };
            paths[path] = Path(path, "post", row.Help, body, "202", Schema(typeof(OperationAccepted)));
        }

        return new JsonObject
        {
            ["openapi"] = "3.1.0",
            ["info"] = new JsonObject { ["title"] = "Disaster recovery of virtual machines", ["version"] = "1" },
            ["paths"] = paths,
        };
    }

    private static JsonObject Path(
        string path, string method, string summary, JsonObject? body, string status, JsonNode answer)
    {
        var operation = new JsonObject
        {
            ["summary"] = summary,
            ["responses"] = new JsonObject
            {
                [status] = new JsonObject { ["description"] = "Done or started", ["content"] = Content(Json, answer) },
                ["default"] = new JsonObject
                {
                    ["description"] = "The reason for the refusal (RFC 9457)",
                    ["content"] = Content("application/problem+json", new JsonObject { ["type"] = "object" }),
                },
            },
        };
        if (body is not null)
        {
            operation["requestBody"] = body;
        }

        var placeholders = path.Split('/').Where(part => part.StartsWith('{')).Select(part => (JsonNode)new JsonObject
        {
            ["name"] = part.Trim('{', '}'), ["in"] = "path", ["required"] = true,
            ["schema"] = new JsonObject { ["type"] = "string" },
        });
        return new JsonObject { ["parameters"] = new JsonArray([.. placeholders]), [method] = operation };
    }

    private static JsonObject Content(string type, JsonNode schema) =>
        new() { [type] = new JsonObject { ["schema"] = schema } };

    private static JsonNode Schema(Type type) => ApiJson.Options.GetJsonSchemaAsNode(type);
}
