using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Persistence.Serialization.ProtectedVms;
using ReplicationEngine.Tests.TestKit.ProtectedVms;
using Input = ReplicationEngine.Actors.Entities.CoreInput<ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand>;

namespace ReplicationEngine.Tests.Persistence.Replay;

/// <summary>
/// The random life of one VM: its core, and a host that makes everything durable at once. Timers ring as they do in a
/// service, so that the log holds commands of users, of effects and of the engine itself.
/// </summary>
internal sealed class RecordedLife
{
    private static readonly ProtectedVmCodec Codec = new();

    private readonly EntityCore<ProtectedVm, ProtectedVmState, ProtectedVmCommand, ProtectedVmEvent> _core;
    private readonly Story _story = new();
    private readonly Dictionary<CommandId, CommandRecord> _commands = [];
    private readonly Action<StoredEvent> _persisted;
    private readonly Action<EntitySnapshot> _saved;
    private readonly ProtectedVmId _vm;
    private int _sent;

    public RecordedLife(PersistenceId id, Action<StoredEvent> persisted, Action<EntitySnapshot> saved)
    {
        (_persisted, _saved, _vm) = (persisted, saved, new ProtectedVmId(id.Entity));
        _core = new(id, Codec, new EntityCoreOptions { SnapshotEvery = 25 }, new EntityMemory());
        Take(new Input.Recovered());
    }

    /// <summary>Lives on for a while, and gets a command.</summary>
    public void Step(Random random)
    {
        _story.After(TimeSpan.FromSeconds(random.Next(400)));
        var command = RandomLife.Command(_story, random.Next());
        if (command is ProtectedVmCommand.Enable enable)
        {
            command = enable with { Vm = _vm };
        }

        _sent++;
        Take(new Input.Received(new CommandEnvelope<ProtectedVmCommand>(
            new CommandId(Story.Numbered(_sent)), Story.User, command, _sent % 3 == 0 ? null : $"digest-{_sent}")));
        Assert.Equal(EntityPhase.Ready, _core.Phase);
        Assert.Equal(Codec.EncodeState(_story.State), Codec.EncodeState(_core.State));
    }

    private void Take(Input input)
    {
        var now = new EngineInstant(_story.Now, _story.Now) { HostStarted = Story.Monday };
        foreach (var output in _core.Step(input, now).ToList())
        {
            switch (output)
            {
                case CoreOutput.Persist persist:
                    Persist(persist);
                    Take(new Input.Persisted());
                    break;
                case CoreOutput.FindCommand find:
                    Take(new Input.CommandFound(_commands.GetValueOrDefault(find.CommandId)));
                    break;
                case CoreOutput.SaveSnapshot save:
                    _saved(save.Snapshot);
                    break;
                case CoreOutput.Restart or CoreOutput.Quarantined or CoreOutput.SnapshotIgnored:
                    throw new InvalidOperationException($"The life of {_vm} has failed: {output}");
            }
        }
    }

    private void Persist(CoreOutput.Persist persist)
    {
        foreach (var stored in persist.Events)
        {
            _persisted(stored);
        }

        var last = persist.Events[^1];
        _commands.Add(last.CommandId, new CommandRecord(last.CommandId, last.Sequence, last.Command!.Digest));
        _story.Follow(persist.Events.Select(stored => Codec.Decode(stored.Name, stored.Payload)));
    }
}
