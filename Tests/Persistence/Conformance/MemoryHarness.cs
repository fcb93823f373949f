using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Persistence.InMemory;

namespace ReplicationEngine.Tests.Persistence.Conformance;

internal sealed class MemoryHarness : StoreHarness
{
    private readonly MemoryStore _memory = new();

    public override async Task HarmAsync(PersistenceId id, long sequence, Damage damage)
    {
        var text = id.ToString();
        var stored = (StoredEvent)_memory.Read(text, sequence, sequence)[0];
        var next = _memory.Read(text, sequence + 1, sequence + 1);
        _memory.Replace(id, sequence, damage switch
        {
            Damage.Payload => stored with { Payload = [.. stored.Payload.Select(b => (byte)(b ^ 1))] },
            Damage.Name => stored with { Name = "counter.other.v1" },
            Damage.Actor => stored with { Actor = "somebody" },
            Damage.Time => stored with { Time = stored.Time.AddTicks(1) },
            Damage.Command => stored with { CommandId = Command(-1) },
            Damage.Removed or Damage.Swapped => next[0],
            _ => throw new ArgumentOutOfRangeException(nameof(damage)),
        });
        if (damage == Damage.Swapped)
        {
            _memory.Replace(id, sequence + 1, stored);
        }

        await Task.CompletedTask;
    }

    protected override IEngineStore Make() => _memory;
}
