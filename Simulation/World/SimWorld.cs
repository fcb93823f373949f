using ReplicationEngine.Simulation.Checkers;
using ReplicationEngine.Simulation.Faults;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Storage;

namespace ReplicationEngine.Simulation.World;

/// <summary>The result of a run.</summary>
/// <param name="Trace">The hash of the trace.</param>
/// <param name="Steps">The number of steps of the queue.</param>
/// <param name="Virtual">The virtual time that passed.</param>
/// <param name="Broken">The broken invariant; null when all checks passed.</param>
internal sealed record SimResult(ulong Trace, long Steps, TimeSpan Virtual, InvariantBrokenException? Broken)
{
    /// <summary>The counts of the events and states that were reached.</summary>
    public required Sometimes Sometimes { get; init; }

    /// <summary>The newest notes of the trace, if they were kept.</summary>
    public IReadOnlyCollection<string> Notes { get; init; } = [];
}

/// <summary>
/// A simulated world: one service with its journal, and a number of VMs with their agents and links. Everything happens
/// in one queue on one thread. The plan determines everything that happens from outside.
/// </summary>
internal sealed class SimWorld
{
    /// <summary>The time of the wall clocks at virtual time zero: a Monday, outside office hours.</summary>
    public static readonly DateTimeOffset Start = new(2026, 1, 5, 0, 0, 0, TimeSpan.Zero);

    private InvariantBrokenException? _broken;

    /// <summary>Creates a world that runs a plan.</summary>
    public SimWorld(SimPlan plan, IWorldParts? parts = null, int keepNotes = 0)
    {
        (Plan, Parts) = (plan, parts ?? new ProductionParts());
        Trace = new TraceHash(Queue, keepNotes);
        var random = new SplittableRandom(plan.Seed).Split("world");
        random.Split("key").Fill(DataKey);
        Faults = new FaultClock(Queue);
        Sometimes = new Sometimes(Faults);
        Checkers = new CheckerSet(this, random.Split("checkers"));
        Journal = new JournalStore(this, random.Split("journal"));
        Service = new ServiceNode(this, random.Split("service"));
        Vms = [.. Enumerable.Range(0, plan.Vms).Select(i => new SimVm(this, i, random.Split($"vm-{i}")))];
        SetClocks(random.Split("clocks"));
    }

    /// <summary>The plan of the run.</summary>
    public SimPlan Plan { get; }

    /// <summary>The parts of the engine.</summary>
    public IWorldParts Parts { get; }

    /// <summary>The queue, which makes virtual time pass.</summary>
    public EventQueue Queue { get; } = new();

    /// <summary>The threads of calls that block within the world.</summary>
    public Strands Strands { get; } = new();

    /// <summary>The trace of the run.</summary>
    public TraceHash Trace { get; }

    /// <summary>The fault classes that are active now, or have been.</summary>
    public FaultClock Faults { get; }

    /// <summary>The counts of the events and states that were reached.</summary>
    public Sometimes Sometimes { get; }

    /// <summary>The checkers of the world.</summary>
    public CheckerSet Checkers { get; }

    /// <summary>The journal of the service.</summary>
    public JournalStore Journal { get; }

    /// <summary>The process of the service.</summary>
    public ServiceNode Service { get; }

    /// <summary>The VMs of the world.</summary>
    public List<SimVm> Vms { get; }

    /// <summary>The key of all data sessions.</summary>
    public byte[] DataKey { get; } = new byte[32];

    /// <summary>Whether the service's wall clock was ever set. Agents' clocks need not be right at any time.</summary>
    public bool ServiceClockSet { get; set; }

    /// <summary>
    /// The virtual time until which service, journal or replica have faults of their own, or had them within the last
    /// minute.
    /// </summary>
    public TimeSpan ServiceTroubledUntil { get; set; } = TimeSpan.FromSeconds(-1);

    /// <summary>Whether the safety phase is over.</summary>
    public bool Healed { get; private set; }

    /// <summary>Runs the whole plan: the safety phase, then the liveness phase.</summary>
    public SimResult Run()
    {
        try
        {
            Go();
        }
        catch (InvariantBrokenException e)
        {
            _broken ??= e;
        }
        catch (Exception e) when (e is not (OutOfMemoryException or SimulatedDeathException))
        {
            _broken ??= new InvariantBrokenException("crash", $"{e.GetType().Name}: {e.Message}\n{e.StackTrace}");
        }

        Strands.Dispose();
        Trace.Note("steps", Queue.Steps);
        return new SimResult(Trace.Value, Queue.Steps, Queue.Now, _broken)
        {
            Sometimes = Sometimes,
            Notes = Trace.Kept,
        };
    }

    // No agent's clock has to be right: one of four is right, the others are seconds or a day ahead or behind.
    private void SetClocks(SplittableRandom random)
    {
        foreach (var vm in Vms)
        {
            var by = random.Chance(0.5) ? TimeSpan.FromSeconds(10) : TimeSpan.FromDays(1);
            vm.Agent.Clock.Jump(random.Chance(0.25) ? TimeSpan.Zero : random.Chance(0.5) ? by : -by);
        }
    }

    /// <summary>Starts asynchronous work of a process. A failure of the work fails the world.</summary>
    public void Run(Func<Task> work, Node node)
    {
        var life = node.LifeEnds;
        node.Context.Send(_ => Begin(), null);

        void Begin() => _ = GuardAsync();

        async Task GuardAsync()
        {
            try
            {
                await work();
            }
            catch (OperationCanceledException) when (life.IsCancellationRequested)
            {
                Trace.Note("work ended with its process");
            }
            catch (SimulatedDeathException)
            {
                if (!life.IsCancellationRequested)
                {
                    node.Die();
                }
            }
            catch (InvariantBrokenException e)
            {
                _broken ??= e;
            }
            catch (Exception e) when (e is not OutOfMemoryException && life.IsCancellationRequested)
            {
                Trace.Note("work failed with its process");
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                _broken ??= new InvariantBrokenException("crash", $"{e.GetType().Name}: {e.Message}\n{e.StackTrace}");
            }
        }
    }

    private void Go()
    {
        foreach (var vm in Vms)
        {
            vm.Agent.MakeDisks();
            vm.Agent.Start();
        }

        Service.Start();
        foreach (var vm in Vms)
        {
            Queue.After(TimeSpan.FromSeconds(5), () => vm.Operator.Ask(vm.Operator.Enabling()));
        }

        var director = new Director(this);
        foreach (var planned in Plan.Events)
        {
            Queue.At(TimeSpan.FromMilliseconds(planned.Ms), () => director.Play(planned));
        }

        Checkers.Begin();
        Checkers.BeginSeconds();
        RunUntil(TimeSpan.FromMilliseconds(Plan.SafetyMs));
        Healed = true;
        director.Heal();
        new Convergence(this).Demand();
        Checkers.End();
    }

    /// <summary>Lets virtual time pass until a time. Throws a failure that was found meanwhile.</summary>
    public void RunUntil(TimeSpan time) => RunUntil(time, () => false);

    /// <summary>
    /// Lets virtual time pass until a time, or until a condition holds. Returns whether the condition holds. Throws a
    /// failure that was found meanwhile.
    /// </summary>
    public bool RunUntil(TimeSpan time, Func<bool> condition)
    {
        Queue.RunUntil(time, () => _broken is not null || condition());
        return _broken is null ? condition() : throw _broken;
    }
}
