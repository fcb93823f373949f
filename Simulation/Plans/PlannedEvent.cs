using System.Text.Json;
using System.Text.Json.Serialization;
using ReplicationEngine.Simulation.Faults;

namespace ReplicationEngine.Simulation.Plans;

/// <summary>Something that happens in a world.</summary>
/// <param name="Ms">When, in ms of virtual time.</param>
/// <param name="Vm">To which VM.</param>
/// <param name="A">A number whose meaning the action or fault says.</param>
/// <param name="B">Another one.</param>
[JsonConverter(typeof(Form))]
internal abstract record PlannedEvent(long Ms, int Vm, long A, long B)
{
    /// <summary>The name of what happens, as event files have it.</summary>
    [JsonIgnore]
    public abstract string Name { get; }

    /// <summary>The order of what happens to a VM in the same millisecond.</summary>
    public abstract (bool Breaks, int Number) Order { get; }

    /// <summary>The form in event files: an object with the name as <c>Action</c>.</summary>
    private sealed class Form : JsonConverter<PlannedEvent>
    {
        /// <inheritdoc/>
        public override PlannedEvent Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            using var document = JsonDocument.ParseValue(ref reader);
            var (ms, vm) = (Number(document, nameof(Ms)), (int)Number(document, nameof(Vm)));
            var (a, b) = (Number(document, nameof(A)), Number(document, nameof(B)));
            var name = document.RootElement.GetProperty("Action").GetString() ?? "";
            return Enum.TryParse<SimAction>(name, out var action) ? new PlannedAction(ms, vm, action, a, b)
                : FaultList.Named(name) is { } fault ? new PlannedFault(ms, vm, fault, a, b)
                : throw new JsonException($"'{name}' is neither an action nor a fault");
        }

        /// <inheritdoc/>
        public override void Write(Utf8JsonWriter writer, PlannedEvent value, JsonSerializerOptions options)
        {
            writer.WriteStartObject();
            writer.WriteNumber(nameof(Ms), value.Ms);
            writer.WriteNumber(nameof(Vm), value.Vm);
            writer.WriteString("Action", value.Name);
            writer.WriteNumber(nameof(A), value.A);
            writer.WriteNumber(nameof(B), value.B);
            writer.WriteEndObject();
        }

        private static long Number(JsonDocument document, string name) =>
            document.RootElement.TryGetProperty(name, out var number) ? number.GetInt64() : 0;
    }
}

/// <summary>A guest does something, or an operator asks for it.</summary>
internal sealed record PlannedAction(long Ms, int Vm, SimAction Action, long A = 0, long B = 0)
    : PlannedEvent(Ms, Vm, A, B)
{
    /// <inheritdoc/>
    public override string Name => Action.ToString();

    /// <inheritdoc/>
    public override (bool Breaks, int Number) Order => (false, (int)Action);
}

/// <summary>Something breaks.</summary>
internal sealed record PlannedFault(long Ms, int Vm, Fault Fault, long A = 0, long B = 0)
    : PlannedEvent(Ms, Vm, A, B)
{
    /// <inheritdoc/>
    public override string Name => Fault.Name;

    /// <inheritdoc/>
    public override (bool Breaks, int Number) Order => (true, Fault.Number);
}
