using System.Globalization;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Orchestration.Targets;
using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Workloads;

namespace ReplicationEngine.Simulation.World;

/// <summary>
/// One protected VM: its two sides, its entity, its guest, its operator, and the checkers' knowledge of them.
/// </summary>
internal sealed class SimVm
{
    private readonly SimWorld _world;

    public SimVm(SimWorld world, int number, SplittableRandom random)
    {
        (_world, Number) = (world, number);
        Name = string.Create(CultureInfo.InvariantCulture, $"vm-{number}");
        Id = new PersistenceId("protected-vm", new VaultId("default"), Name);
        long[] sizes = random.Chance(0.5) ? [(4 << 20) + (256 << 10), 256 << 10] : [(4 << 20) + (128 << 10)];
        Shape = new DiskShape(sizes, random.Chance(0.5) ? 32 << 10 : 128 << 10);
        Paths = [.. sizes.Select((_, i) => string.Create(CultureInfo.InvariantCulture, $"/dev/{Name}-{i}"))];
        Models = new DiskModels(world, this);
        Operator = new SimOperator(world, this, random);
        Wire = new Wire(world.Queue, random.Split("wire"));
        Wire.Lost = () => world.Service.GaveUp(this);
        Guest = new SimGuest(world, this, random);
        Agent = new AgentNode(world, this, random.Split("agent"));
        Target = new TargetNode(world, this, random.Split("target"));
    }

    /// <summary>The VM's number in the plan.</summary>
    public int Number { get; }

    /// <summary>The VM's name.</summary>
    public string Name { get; }

    /// <summary>The VM's event stream.</summary>
    public PersistenceId Id { get; }

    /// <summary>The name of the VM's agent in the vault.</summary>
    public string AgentName => "agent-" + Name;

    /// <summary>The VM's name as an id.</summary>
    public ProtectedVmId VmId => new(Name);

    /// <summary>The sizes of the VM's disks, and their hot ranges.</summary>
    public DiskShape Shape { get; }

    /// <summary>The paths of the VM's disks.</summary>
    public IReadOnlyList<string> Paths { get; }

    /// <summary>The VM's guest.</summary>
    public SimGuest Guest { get; }

    /// <summary>The models of the VM's disks.</summary>
    public DiskModels Models { get; }

    /// <summary>The checkers' ledger of the VM.</summary>
    public VmLedger Ledger { get; } = new();

    /// <summary>The VM's operator.</summary>
    public SimOperator Operator { get; }

    /// <summary>The link between the VM's agent and the service.</summary>
    public Wire Wire { get; }

    /// <summary>The source side: the VM's agent.</summary>
    public AgentNode Agent { get; }

    /// <summary>The target side in the service.</summary>
    public TargetNode Target { get; }

    /// <summary>The host of the VM's entity since the service's last start.</summary>
    public EntityHost Host { get; set; } = null!;

    /// <summary>Whether the service has restored the target side since its last start, or tried to.</summary>
    public bool Restored { get; set; }

    /// <summary>The virtual time until which the source site is lost.</summary>
    public TimeSpan RegionLostUntil { get; set; }

    /// <summary>Called when the recovered machine starts, or was found again after a start of the service.</summary>
    public void LiveStarted(RecoveredMachine machine)
    {
        _world.Checkers.SeePoints(this);
        if (Models.Live is not null && Models.LivePoint == machine.Point.Id)
        {
            _world.Checkers.TargetReopened(this);
            return;
        }

        Models.BeginLive(machine);
        _world.Checkers.FailedOver(this, machine);
    }

    /// <summary>Called when the recovered machine is gone.</summary>
    public void LiveEnded(bool adopted)
    {
        _world.Trace.Note($"{Name} live ends", adopted ? 1 : 0);
        Models.EndLive();
    }

    /// <summary>Called when the test machine starts.</summary>
    public void TestStarted(RecoveredMachine machine)
    {
        _world.Checkers.SeePoints(this);
        Models.BeginTest(machine);
        _world.Checkers.TestStarted(this);
    }

    /// <summary>Called when the test machine was removed.</summary>
    public void TestRemoved()
    {
        Models.TestContent = null;
        _world.Checkers.TestRemoved(this);
    }

    /// <summary>Called when the service died: everything that the target side had open is gone.</summary>
    public void TargetDied(bool powerCut)
    {
        Ledger.TargetCut |= powerCut;
        Models.TestContent = powerCut ? null : Models.TestContent;
    }

    /// <summary>Forgets the VM's target side after everything there was deleted, including damage.</summary>
    public void Forget()
    {
        Models.ForgetTarget();
        Ledger.ForgetTarget();
    }

    /// <summary>Called when a step of the core may have changed the entity's state.</summary>
    public void StateMayHaveChanged()
    {
        if (Host?.State is { } state)
        {
            _world.Sometimes.Saw(state.Phase.GetType().Name);
        }
    }
}
