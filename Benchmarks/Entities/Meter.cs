using System.Collections.Immutable;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Benchmarks.Entities;

/// <summary>The smallest possible aggregate, so that the engine around it is measured.</summary>
internal sealed class Meter : IAggregate<MeterState, MeterCommand, MeterEvent>
{
    public static string TypeName => "meter";

    public static MeterState Initial { get; } = new(0);

    public static Decision<MeterEvent> Decide(MeterState state, MeterCommand command, DecisionContext context) =>
        Decision<MeterEvent>.Accept(new MeterEvent(command.Payload));

    public static MeterState Evolve(MeterState state, MeterEvent @event) => new(state.Count + 1);

    public static ImmutableArray<Effect> Outstanding(MeterState state) => [];

    public static ImmutableArray<DurableTimer> Timers(MeterState state) => [];

    public static MeterCommand TimerDue(string name, DateTimeOffset dueAt) =>
        throw new InvalidOperationException($"A meter has no timer, so {name} cannot be due.");

    public static void CheckInvariants(MeterState state)
    {
        if (state.Count < 0)
        {
            throw new InvariantViolationException($"The count is {state.Count}, below zero.");
        }
    }
}

internal sealed record MeterState(long Count);

internal sealed record MeterCommand(byte[] Payload);

internal sealed record MeterEvent(byte[] Payload);

internal sealed class MeterCodec : IEntityCodec<MeterState, MeterCommand, MeterEvent>
{
    private const string Name = "meter.read.v1";
    private const string CommandName = "meter.command.read.v1";

    public int SnapshotVersion => 1;

    public EncodedEvent Encode(MeterEvent @event) => new(Name, @event.Payload);

    public MeterEvent Decode(string name, ReadOnlyMemory<byte> payload) => name == Name
        ? new MeterEvent(payload.ToArray())
        : throw new UnreadableEventException($"The event {name} is not known.");

    public EncodedCommand EncodeCommand(MeterCommand command) => new(CommandName, command.Payload);

    public MeterCommand DecodeCommand(string name, ReadOnlyMemory<byte> payload) => name == CommandName
        ? new MeterCommand(payload.ToArray())
        : throw new UnreadableEventException($"The command {name} is not known.");

    public byte[] EncodeState(MeterState state) => BitConverter.GetBytes(state.Count);

    public MeterState DecodeState(ReadOnlyMemory<byte> payload) => new(BitConverter.ToInt64(payload.Span));
}
