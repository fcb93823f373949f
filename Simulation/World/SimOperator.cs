using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Orchestration.Effects;
using ReplicationEngine.Simulation.Kernel;

namespace ReplicationEngine.Simulation.World;

/// <summary>The operator of one VM, and the path of all commands to the VM's entity.</summary>
internal sealed class SimOperator(SimWorld world, SimVm vm, SplittableRandom random)
{
    private const int Patience = 10;
    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromSeconds(1);
    private long _command;

    /// <summary>The policy under which the VM is protected first.</summary>
    public ReplicationPolicy Policy => ReplicationPolicy.Default with
    {
        AutoResync = AutoResync.Immediately,
        Retention = TimeSpan.FromMinutes(world.Plan.RetentionMinutes),
    };

    /// <summary>Returns the command that protects the VM.</summary>
    public ProtectedVmCommand Enabling() => new ProtectedVmCommand.Enable(
        vm.VmId, vm.Paths.Select((p, i) => new ProtectedDisk(p, vm.Shape.Sizes[i])).ToValueList(), "SCN-1", Policy,
        vm.AgentName);

    /// <summary>Sends a command to the VM's entity. Sometimes a copy of it follows later (fault class M).</summary>
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

    /// <summary>Sends a command as the operator, and retries it while its outcome is unknown.</summary>
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
