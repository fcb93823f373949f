using ReplicationEngine.Simulation.Checkers;
using ReplicationEngine.Simulation.Faults;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Storage;

namespace ReplicationEngine.Simulation.World;

/// <summary>How a run ended.</summary>
/// <param name="Trace">The trace hash.</param>
/// <param name="Steps">Steps of the queue.</param>
/// <param name="Virtual">Virtual time that passed.</param>
/// <param name="Broken">What was found broken; null when nothing was.</param>
internal sealed record SimResult(ulong Trace, long Steps, TimeSpan Virtual, InvariantBrokenException? Broken)
{
    /// <summary>What was reached.</summary>
    public required Sometimes Sometimes { get; init; }

    /// <summary>The newest notes of the trace, when they were kept.</summary>
    public IReadOnlyCollection<string> Notes { get; init; } = [];
}

/// <summary>
/// A world: one service with its journal, and a number of VMs with their agents and links. Everything happens in one
/// queue on one thread; the plan decides what happens from outside.
/// </summary>
internal sealed class SimWorld
{
    /// <summary>What the wall clocks show at virtual time zero: a Monday, outside office hours.</summary>
    public static readonly DateTimeOffset Start = new(2026, 1, 5, 0, 0, 0, TimeSpan.Zero);

    private InvariantBrokenException? _broken;

    /// <summary>A world that will go by a plan.</summary>
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

    /// <summary>What happens.</summary>
    public SimPlan Plan { get; }

    /// <summary>Where parts come from.</summary>
    public IWorldParts Parts { get; }

    /// <summary>What makes time pass.</summary>
    public EventQueue Queue { get; } = new();

    /// <summary>The threads of calls that block within the world.</summary>
    public Strands Strands { get; } = new();

    /// <summary>The trace.</summary>
    public TraceHash Trace { get; }

    /// <summary>What is broken on purpose.</summary>
    public FaultClock Faults { get; }

    /// <summary>What was reached.</summary>
    public Sometimes Sometimes { get; }

    /// <summary>Who watches.</summary>
    public CheckerSet Checkers { get; }

    /// <summary>The journal.</summary>
    public JournalStore Journal { get; }

    /// <summary>The service.</summary>
    public ServiceNode Service { get; }

    /// <summary>The VMs.</summary>
    public List<SimVm> Vms { get; }

    /// <summary>The key of all data sessions.</summary>
    public byte[] DataKey { get; } = new byte[32];

    /// <summary>
    /// Whether the service's wall clock was ever set; agents' clocks are wrong from the first moment.
    /// </summary>
    public bool ServiceClockSet { get; set; }

    /// <summary>Until then service, journal or replica have trouble of their own, or had it a minute ago.</summary>
    public TimeSpan ServiceTroubledUntil { get; set; } = TimeSpan.FromSeconds(-1);

    /// <summary>Whether the safety phase is over.</summary>
    public bool Healed { get; private set; }

    /// <summary>Runs the whole plan: safety phase, then liveness phase.</summary>
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

    // No agent's clock has to be right: of four one is right, the others are seconds or days ahead or behind.
    private void SetClocks(SplittableRandom random)
    {
        foreach (var vm in Vms)
        {
            var by = random.Chance(0.5) ? TimeSpan.FromSeconds(10) : TimeSpan.FromDays(1);
            vm.Agent.Clock.Jump(random.Chance(0.25) ? TimeSpan.Zero : random.Chance(0.5) ? by : -by);
        }
    }

    /// <summary>Begins asynchronous work of a node; its failure is the world's.</summary>
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

    /// <summary>Lets time pass; throws what was found meanwhile.</summary>
    public void RunUntil(TimeSpan time) => RunUntil(time, () => false);

    /// <summary>Lets time pass until a condition holds; whether it does. Throws what was found meanwhile.</summary>
    public bool RunUntil(TimeSpan time, Func<bool> condition)
    {
        Queue.RunUntil(time, () => _broken is not null || condition());
        return _broken is null ? condition() : throw _broken;
    }
}
