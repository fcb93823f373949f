using System.Globalization;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Orchestration.Targets;
using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Workloads;

namespace ReplicationEngine.Simulation.World;

/// <summary>One protected VM: its two sides, its entity, its guest, and what is known of all of them.</summary>
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

    /// <summary>The sizes of the VM's disks.</summary>
    public DiskShape Shape { get; }

    /// <summary>The paths of the VM's disks.</summary>
    public IReadOnlyList<string> Paths { get; }

    /// <summary>The guest.</summary>
    public SimGuest Guest { get; }

    /// <summary>The models of its disks.</summary>
    public DiskModels Models { get; }

    /// <summary>What the checkers keep of it.</summary>
    public VmLedger Ledger { get; } = new();

    /// <summary>Who gives orders about it.</summary>
    public SimOperator Operator { get; }

    /// <summary>The link.</summary>
    public Wire Wire { get; }

    /// <summary>The source side.</summary>
    public AgentNode Agent { get; }

    /// <summary>The target side.</summary>
    public TargetNode Target { get; }

    /// <summary>The entity, in this life of the service.</summary>
    public EntityHost Host { get; set; } = null!;

    /// <summary>The target side stands as it did before the service's last start.</summary>
    public bool Restored { get; set; }

    /// <summary>The source site is away until then.</summary>
    public TimeSpan RegionLostUntil { get; set; }

    /// <summary>The machine at the target side begins, or was found again.</summary>
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

    /// <summary>The machine at the target side is gone.</summary>
    public void LiveEnded(bool adopted)
    {
        _world.Trace.Note($"{Name} live ends", adopted ? 1 : 0);
        Models.EndLive();
    }

    /// <summary>The test machine begins.</summary>
    public void TestStarted(RecoveredMachine machine)
    {
        _world.Checkers.SeePoints(this);
        Models.BeginTest(machine);
        _world.Checkers.TestStarted(this);
    }

    /// <summary>The test machine was removed.</summary>
    public void TestRemoved()
    {
        Models.TestContent = null;
        _world.Checkers.TestRemoved(this);
    }

    /// <summary>The service died: what it had open is gone.</summary>
    public void TargetDied(bool powerCut)
    {
        Ledger.TargetCut |= powerCut;
        Models.TestContent = powerCut ? null : Models.TestContent;
    }

    /// <summary>Everything of the VM at the target side was deleted, damage with it.</summary>
    public void Forget()
    {
        Models.ForgetTarget();
        Ledger.ForgetTarget();
    }

    /// <summary>A step of the core may have changed the state.</summary>
    public void StateMayHaveChanged()
    {
        if (Host?.State is { } state)
        {
            _world.Sometimes.Saw(state.Phase.GetType().Name);
        }
    }
}
