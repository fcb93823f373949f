using System.Text.Json;
using System.Text.Json.Serialization;
using ReplicationEngine.Simulation.Faults;

namespace ReplicationEngine.Simulation.Plans;

/// <summary>An event of a plan: a fault, or an action of a guest or operator.</summary>
/// <param name="Ms">The virtual time of the event in ms.</param>
/// <param name="Vm">The number of the VM that the event affects.</param>
/// <param name="A">A number whose meaning depends on the action or fault.</param>
/// <param name="B">A second number whose meaning depends on the action or fault.</param>
[JsonConverter(typeof(Form))]
internal abstract record PlannedEvent(long Ms, int Vm, long A, long B)
{
    /// <summary>The event's name, as event files contain it.</summary>
    [JsonIgnore]
    public abstract string Name { get; }

    /// <summary>The order of events that affect one VM in the same millisecond.</summary>
    public abstract (bool Breaks, int Number) Order { get; }

    /// <summary>The form of an event in event files: an object with the name as <c>Action</c>.</summary>
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

/// <summary>An event in which a guest acts, or an operator starts an operation.</summary>
internal sealed record PlannedAction(long Ms, int Vm, SimAction Action, long A = 0, long B = 0)
    : PlannedEvent(Ms, Vm, A, B)
{
    /// <inheritdoc/>
    public override string Name => Action.ToString();

    /// <inheritdoc/>
    public override (bool Breaks, int Number) Order => (false, (int)Action);
}

/// <summary>An event in which something fails.</summary>
internal sealed record PlannedFault(long Ms, int Vm, Fault Fault, long A = 0, long B = 0)
    : PlannedEvent(Ms, Vm, A, B)
{
    /// <inheritdoc/>
    public override string Name => Fault.Name;

    /// <inheritdoc/>
    public override (bool Breaks, int Number) Order => (true, Fault.Number);
}
