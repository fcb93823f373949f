using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Agent.Volumes;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Orchestration.Effects;
using ReplicationEngine.Orchestration.Sources;
using ReplicationEngine.Orchestration.Targets;
using ReplicationEngine.Simulation.Checkers;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Tests.Simulation;

/// <summary>One deliberate fault.</summary>
/// <param name="Invariant">What it breaks.</param>
/// <param name="What">What is wrong.</param>
/// <param name="Within">Within how many seeds it must be caught.</param>
/// <param name="Make">The parts of one world with the fault in them.</param>
/// <param name="FoundWith">The seed, counted from 1, that found it last: it is run first, so that only a bug that it no
/// longer finds is searched for.</param>
internal sealed record PlantedBug(
    string Invariant, string What, int Within, Func<IWorldParts> Make, int FoundWith = 1)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Invariant}: {What}";

    /// <summary>Those that only several writes under way at once can show.</summary>
    private static IReadOnlyList<PlantedBug> Concurrency =>
    [
        new("I11", "the completed number counts changes that are still under way", 40, () => new RashlyCompleted()),
        new("I11", "an overlapping write does not wait for its turn at the disk", 20, () => new NoTurns()),
        new("I4", "a block is copied while writes before it are under way", 40, () => new NoCompletion(), 4),
    ];

    /// <summary>All of them.</summary>
    public static IReadOnlyList<PlantedBug> All { get; } =
    [
        new("I1", "the guest's disk answers a write and passes it on behind the next one", 5, () => new Late()),
        new("I2", "the source's disk forgets a write now and then", 10, () => new ForgetfulDisk()),
        new("I3", "the source's disk answers a flush without one", 20, () => new IdleFlush(), 2),
        new("I4", "a resync copies what the disk held when it was read first", 40, () => new StaleCopies()),
        new("I5", "the replica swallows a batch of records", 5, () => new Swallowing()),
        new("I6", "a point reads another byte after a while", 5, () => new DriftingPoints()),
        new("I7", "what is damaged reads as zeroes", 60, () => new ZeroesForDamage(), 4),
        new("I10", "applications that did not freeze are called frozen", 20, () => new CallsFrozenWhatIsNot(), 4),
        new("I11", "an extent counts as copied before it was", 20, () => new HastyClears()),
        new("I12", "a resync counts as complete as soon as it begins", 20, () => new EarlyEnd()),
        new("I13", "a look at the marks loses the last", 20, () => new LostMarks()),
        new("I14", "a comparison leaves out the last block", 5, () => new ShortComparisons()),
        new("I15", "neither side refuses the old source", 60, () => new NoFence(), 2),
        new("I16", "the old source is not fenced", 40, () => new NoSourceFence(), 2),
        new("I17", "the decider's state forgets a warning", 20, () => new OtherEvolution()),
        new("I18", "the journal takes a number twice, from an owner that was thought dead", 20,
            () => new CredulousJournal(), 8),
        new("I19", "commands that were carried out are not recognised", 40, () => new Amnesia()),
        new("I19", "a command is answered before its events are durable", 5, () => new HastyAnswers()),
        new("I20", "a cancelled failover leaves its machine", 60, () => new LeftMachine(), 5),
        new("I21", "the bound of the loss is told as half", 60, () => new RosyBound(), 2),
        new("I21", "reports are taken for as new as the agent's clock says", 60, () => new TrustedClocks(), 6),
        new("I22", "a planned failover does not wait for what the log lacks", 40, () => new HastyFailover(), 4),
        new("I23", "the clean-up of a test leaves the test machine", 20, () => new NoCleanUp(), 2),
        new("I24", "a failback does not wait for the last writes", 60, () => new HastyFailback(), 4),
        new("I25", "a listed point is pruned", 40, () => new GreedyPrune()),
        new("I27", "a full log refuses the guest's writes", 40, () => new FullIsFull(), 3),
        new("I28", "a flush after a failed one is answered as done", 60, () => new ForgivingFlush(), 3),
        new("I29", "the decider throws at a command", 5, () => new ThrowingDecider()),
        new("I30", "the guest's disk answers writes and drops them", 5, () => new Dropping()),
        .. Concurrency,
        new("prompt", "what asks the source waits for its answer, however long", 60, () => new PatientEffects(), 42),
        new("I11", "a disk that was put back is taken for the one that the log belongs to", 40, () => new Credulous()),
    ];

    private sealed class Late : FaultyParts
    {
        public override IBlockDevice GuestDisk(SourceVolume volume, int disk) =>
            LateDisk.Of(volume, disk, base.GuestDisk(volume, disk));
    }

    private sealed class ForgetfulDisk : FaultyParts
    {
        public override IVolumeHost Host(IVolumeHost machine) =>
            new FaultyHost(machine) { Device = device => new FaultyDisk(device) { DropsEvery = 15 } };
    }

    private sealed class IdleFlush : FaultyParts
    {
        public override IVolumeHost Host(IVolumeHost machine) =>
            new FaultyHost(machine) { Device = device => new FaultyDisk(device) { FlushesNothing = true } };
    }

    private sealed class StaleCopies : FaultyParts
    {
        private readonly Dictionary<(int, long), byte[]> _first = [];

        public override IChangeSource Source(SourceVolume volume) =>
            new FaultySource(base.Source(volume)) { FirstReads = _first };
    }

    private sealed class Swallowing : FaultyParts
    {
        public override IReplicaSink Sink(IReplicaSink replica) => new FaultySink(replica) { SwallowsEvery = 9 };
    }

    private sealed class DriftingPoints : FaultyParts
    {
        private int _reads;

        public override IBlockDevice PointDisk(RecoveryPoint point, IBlockDevice disk) =>
            new FaultyDisk(disk) { FlipsReads = ++_reads > 40 };
    }

    private sealed class ZeroesForDamage : FaultyParts
    {
        public override IBlockDevice PointDisk(RecoveryPoint point, IBlockDevice disk) =>
            new FaultyDisk(disk) { ReadsDamageAsZeroes = true };
    }

    private sealed class CallsFrozenWhatIsNot : FaultyParts
    {
        public override IVolumeHost Host(IVolumeHost machine) => new FaultyHost(machine) { CallsFrozen = true };
    }

    private sealed class HastyClears : FaultyParts
    {
        public override IChangeSource Source(SourceVolume volume) =>
            new FaultySource(base.Source(volume)) { ClearsAtOnce = true };
    }

    private sealed class EarlyEnd : FaultyParts
    {
        public override IReplicaSink Sink(IReplicaSink replica) =>
            new FaultySink(replica) { EndsResyncsAtOnce = true };
    }

    /// <summary>Parts whose world is watched by one checker only: several guards stand before these.</summary>
    private abstract class WatchedBy(string invariant) : FaultyParts
    {
        public override IReadOnlyList<Checker> Checkers(IReadOnlyList<Checker> all) =>
            [.. all.Where(c => c.Id == invariant)];
    }

    /// <summary>Answers as the volumes do, and takes each fence away that they have put up.</summary>
    private static Func<AgentRequest, CancellationToken, Task<AgentReply>> Unfencing(
        VolumeSet volumes, Func<AgentRequest, CancellationToken, Task<AgentReply>> answers) => async (request, ct) =>
    {
        var reply = await answers(request, ct);
        foreach (var volume in volumes.Status().Select(status => volumes.Find(status.Vm)))
        {
            if (volume is { Remembered.Role: SourceRole.Fenced, Source: { } loose })
            {
                loose.Unfence(loose.Term, disksUnchanged: true);
                loose.Resume();
            }
        }

        return reply;
    };

    private sealed class LostMarks() : WatchedBy("I13")
    {
        public override IChangeSource Source(SourceVolume volume) =>
            new FaultySource(base.Source(volume)) { LosesLast = true };
    }

    private sealed class ShortComparisons : FaultyParts
    {
        public override IReplicaSink Sink(IReplicaSink replica) => new FaultySink(replica) { LeavesOutLast = true };
    }

    private sealed class NoFence() : WatchedBy("I15")
    {
        public override IVolumeHost Host(IVolumeHost machine) => new FaultyHost(machine) { ServesForWriting = true };

        public override Func<AgentRequest, CancellationToken, Task<AgentReply>> Answers(VolumeSet volumes) =>
            Unfencing(volumes, base.Answers(volumes));

        public override ITargetStream Stream(TargetVolume volume) => new CredulousStream(volume);

        public override ITargetSessions Sessions(ITargetSessions sessions) => new EndlessSessions(sessions);
    }

    private sealed class HastyFailover() : WatchedBy("I22")
    {
        public override ISourceSide Sources(ISourceSide sources) => new HastySources(sources);
    }

    private sealed class NoSourceFence : FaultyParts
    {
        public override IVolumeHost Host(IVolumeHost machine) => new FaultyHost(machine) { ServesForWriting = true };

        public override Func<AgentRequest, CancellationToken, Task<AgentReply>> Answers(VolumeSet volumes) =>
            Unfencing(volumes, base.Answers(volumes));
    }

    private sealed class OtherEvolution : FaultyParts
    {
        public override IVmCore Core(PersistenceId id, EntityMemory memory) => new VmCore<ForgetfulVm>(id, memory);
    }

    private sealed class ThrowingDecider : FaultyParts
    {
        public override IVmCore Core(PersistenceId id, EntityMemory memory) => new VmCore<ThrowingVm>(id, memory);
    }

    private sealed class CredulousJournal : FaultyParts
    {
        public override IStreams Journal(IStreams streams) => new FaultyJournal(streams) { TakesTwice = true };
    }

    private sealed class Amnesia : FaultyParts
    {
        public override IStreams Journal(IStreams streams) => new FaultyJournal(streams) { Forgets = true };
    }

    private sealed class HastyAnswers : FaultyParts
    {
        public override IVmCore Core(PersistenceId id, EntityMemory memory) => new HastyCore(base.Core(id, memory));
    }

    private sealed class LeftMachine : FaultyParts
    {
        public override ITargetVolume Target(TargetVolume volume, TimeProvider time) =>
            new FaultyTarget(volume) { LeavesLive = true };
    }

    private sealed class RosyBound : FaultyParts
    {
        public override ITargetVolume Target(TargetVolume volume, TimeProvider time) =>
            new FaultyTarget(volume) { Bound = bound => bound / 2 };
    }

    private sealed class TrustedClocks : FaultyParts
    {
        public override ITargetVolume Target(TargetVolume volume, TimeProvider time) => new FaultyTarget(volume)
        {
            Moment = (observation, _) => new ServiceMoment(
                observation.At, time.GetTimestamp() - (time.GetUtcNow() - observation.At).Ticks),
        };
    }

    private sealed class NoCleanUp : FaultyParts
    {
        public override ITargetVolume Target(TargetVolume volume, TimeProvider time) =>
            new FaultyTarget(volume) { LeavesTest = true };
    }

    private sealed class HastyFailback : FaultyParts
    {
        public override ITargetVolume Target(TargetVolume volume, TimeProvider time) =>
            new FaultyTarget(volume) { WaitsForNothing = true };
    }

    private sealed class GreedyPrune : FaultyParts
    {
        public override ITargetVolume Target(TargetVolume volume, TimeProvider time) =>
            new FaultyTarget(volume) { PrunesOneMore = true };
    }

    private sealed class RashlyCompleted : FaultyParts
    {
        public override WriteOrder Order(GuestConnections guests) => new FaultyOrder(guests) { CompletesAtOnce = true };
    }

    private sealed class NoTurns : FaultyParts
    {
        public override WriteOrder Order(GuestConnections guests) => new FaultyOrder(guests) { TakesNoTurns = true };
    }

    private sealed class NoCompletion : FaultyParts
    {
        public override WriteOrder Order(GuestConnections guests) => new FaultyOrder(guests) { WaitsForNothing = true };
    }

    private sealed class PatientEffects() : WatchedBy("prompt")
    {
        public override ISourceSide Sources(ISourceSide sources) => new PatientSources(sources);
    }

    private sealed class Credulous : FaultyParts
    {
        public override IVolumeHost Host(IVolumeHost machine) => new FaultyHost(machine) { TellsNoDisks = true };
    }

    private sealed class FullIsFull : FaultyParts
    {
        public override IBlockDevice GuestDisk(SourceVolume volume, int disk) =>
            new FaultyDisk(base.GuestDisk(volume, disk))
            {
                RefusesWrites = volume.Condition.Mode == CaptureMode.DirtyMap,
            };
    }

    private sealed class ForgivingFlush : FaultyParts
    {
        public override IBlockDevice GuestDisk(SourceVolume volume, int disk) =>
            new FaultyDisk(base.GuestDisk(volume, disk)) { ForgivesFlushes = volume.Condition.SyncFailed };
    }

    private sealed class Dropping : FaultyParts
    {
        private readonly FaultyDisk.Counter _counter = new();

        public override IBlockDevice GuestDisk(SourceVolume volume, int disk) =>
            new FaultyDisk(base.GuestDisk(volume, disk)) { DropsEvery = 20, Writes = _counter };
    }
}
