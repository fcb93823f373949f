using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace ReplicationEngine.Simulation.Planner.Scenarios;

/// <summary>Writes the JSON schema (draft 2020-12) of the scenario format.</summary>
internal static class SchemaWriter
{
    private static readonly JsonSerializerOptions Indented = new()
    {
        WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Returns the schema as text that ends with a line feed.</summary>
    public static string Write()
    {
        var parts = new JsonObject();
        foreach (var (name, shape) in ScenarioShapes.Parts)
        {
            parts[name] = Of(shape);
        }

        var root = new JsonObject
        {
            ["$schema"] = "https://json-schema.org/draft/2020-12/schema",
            ["title"] = "Outage scenario",
        };
        foreach (var (name, value) in Of(ScenarioShapes.Root).ToList())
        {
            root[name] = value?.DeepClone();
        }

        root["$defs"] = parts;
        return root.ToJsonString(Indented) + "\n";
    }

    private static JsonObject Of(Shape shape)
    {
        var properties = new JsonObject();
        foreach (var field in shape.Fields)
        {
            var value = Of(field.Kind);
            value["description"] = field.Description;
            if (field.Default is { } known)
            {
                value["default"] = field.Kind is ValueKind.Whole or ValueKind.Flag ? JsonNode.Parse(known) : known;
            }

            properties[field.Name] = value;
        }

        var schema = new JsonObject
        {
            ["description"] = shape.Description,
            ["type"] = "object",
            ["additionalProperties"] = false,
            ["properties"] = properties,
        };
        var required = shape.Fields.Where(f => f.Required).Select(f => (JsonNode?)f.Name).ToArray();
        if (required.Length > 0)
        {
            schema["required"] = new JsonArray(required);
        }

        return schema;
    }

    private static JsonObject Of(ValueKind kind) => kind switch
    {
        ValueKind.Text => new() { ["type"] = "string", ["minLength"] = 1 },
        ValueKind.Name => Pattern(ShapeCheck.NamePattern),
        ValueKind.Choice choice => new() { ["enum"] = new JsonArray([.. choice.Words.Select(w => (JsonNode?)w)]) },
        ValueKind.Amount amount => Pattern(amount.Quantity.Pattern),
        ValueKind.DurationOrNever => Pattern($"{Quantity.Duration.Pattern}|^never$"),
        ValueKind.Whole whole => new()
        {
            ["type"] = "integer", ["minimum"] = whole.Least, ["maximum"] = whole.Most,
        },
        ValueKind.Flag => new() { ["type"] = "boolean" },
        ValueKind.Instant => Pattern("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"),
        ValueKind.TimeOfDay => Pattern(ShapeCheck.TimeOfDayPattern),
        ValueKind.ListOf list => new()
        {
            ["type"] = "array", ["minItems"] = list.Least, ["items"] = Of(list.Item),
        },
        ValueKind.Part part => new() { ["$ref"] = $"#/$defs/{part.Shape}" },
        _ => throw new InvalidOperationException($"Kind {kind} has no schema."),
    };

    private static JsonObject Pattern(string pattern) => new() { ["type"] = "string", ["pattern"] = pattern };
}
