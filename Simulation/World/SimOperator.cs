using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Orchestration.Effects;
using ReplicationEngine.Simulation.Kernel;

namespace ReplicationEngine.Simulation.World;

/// <summary>Who gives orders about one VM, and the commands that reach its entity.</summary>
internal sealed class SimOperator(SimWorld world, SimVm vm, SplittableRandom random)
{
    private const int Patience = 10;
    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromSeconds(1);
    private long _command;

    /// <summary>The policy under which it is protected first.</summary>
    public ReplicationPolicy Policy => ReplicationPolicy.Default with
    {
        AutoResync = AutoResync.Immediately,
        Retention = TimeSpan.FromMinutes(world.Plan.RetentionMinutes),
    };

    /// <summary>The command that protects it.</summary>
    public ProtectedVmCommand Enabling() => new ProtectedVmCommand.Enable(
        vm.VmId, vm.Paths.Select((p, i) => new ProtectedDisk(p, vm.Shape.Sizes[i])).ToValueList(), "SCN-1", Policy,
        vm.AgentName);

    /// <summary>Sends a command; sometimes a copy of it comes later (M).</summary>
    public async Task<CommandReply> AskAsync(CommandId id, string actor, ProtectedVmCommand command)
    {
        var reply = await vm.Host.AskAsync(id, actor, command);
        world.Checkers.Answered(vm, id, command, reply);
        if (random.Chance(0.02))
        {
            world.Service.After(random.Between(TimeSpan.Zero, TimeSpan.FromMinutes(5)), () =>
                world.Run(
                    async () => world.Checkers.Answered(vm, id, command, await vm.Host.AskAsync(id, actor, command)),
                    world.Service));
        }

        return reply;
    }

    /// <summary>A person asks for something.</summary>
    public void Ask(ProtectedVmCommand command)
    {
        if (!world.Service.Alive)
        {
            return;
        }

        var id = EngineCommandIds.Of($"{vm.Name}|operator|{_command++}|{world.Plan.Seed}");
        world.Service.After(TimeSpan.Zero, () => world.Run(
            async () =>
            {
                if (vm.Host.State?.Phase is Phase.ChangingPoint && command is ProtectedVmCommand.Commit)
                {
                    world.Sometimes.Count(Probes.CommitWhileChanging);
                }

                var reply = await AskAsync(id, "operator", command);
                for (var again = 0; again < Patience && IsUnknown(reply); again++)
                {
                    await Task.Delay(AskAgainAfter, world.Service.Clock, world.Service.LifeEnds);
                    reply = await AskAsync(id, "operator", command);
                }

                world.Trace.Note($"{vm.Name} {command.GetType().Name} {reply.GetType().Name}");
            },
            world.Service));
    }

    private static bool IsUnknown(CommandReply reply) =>
        reply is CommandReply.Unavailable { Reason: UnavailableReason.JournalUnavailable };
}
