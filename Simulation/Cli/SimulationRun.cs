using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using ReplicationEngine.Simulation.Checkers;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.Planner.Cli;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Cli;

/// <summary>Runs seeds and reports the results.</summary>
internal static class SimulationRun
{
    /// <summary>Runs seeds. Returns the exit code: 1 when a check failed, otherwise 0.</summary>
    public static int Go(RunOptions options, TextWriter output, TextWriter error)
    {
        var watch = Stopwatch.StartNew();
        var tally = new Tally();
        using var progress = options.Json ? null : new SeedProgress(options, error);

        // Seeds run in parallel, each world on one thread. Their results are reported in the order of the seeds, so
        // that equal seeds give equal output.
        var runs = Enumerable.Range(0, options.Seeds).AsParallel().AsOrdered()
            .WithDegreeOfParallelism(Math.Min(Environment.ProcessorCount, 512))
            .WithMergeOptions(ParallelMergeOptions.NotBuffered)
            .Select(i => Run(options, options.Seed + (ulong)i, progress));
        foreach (var (plan, result) in runs)
        {
            tally.Add(plan, result);
            if (result.Broken is { } broken)
            {
                Above(progress, () => Failed(options, (plan, result, broken), output, error));
                if (options.Shrink && tally.Failures == 1)
                {
                    Shrink(plan, broken.Invariant, options.Json ? error : output, error);
                }
            }

            progress?.Tell(tally, watch.Elapsed);
        }

        progress?.Dispose();
        Report(options, tally, watch.Elapsed, output);
        return tally.Failures > 0 ? 1 : 0;
    }

    /// <summary>Runs the plan of an event file. Returns the exit code.</summary>
    public static int Replay(string path, int notes, TextWriter output, TextWriter error)
    {
        EventFile file;
        try
        {
            file = EventFile.Read(path);
        }
        catch (Exception e) when (e is IOException or JsonException or UnauthorizedAccessException)
        {
            error.WriteLine($"'{path}' cannot be read: {e.Message}");
            return 2;
        }

        var result = new SimWorld(file.Plan, keepNotes: notes).Run();
        foreach (var note in result.Notes)
        {
            output.WriteLine(note);
        }

        output.WriteLine(result.Broken is null
            ? Text($"all checks passed; trace {result.Trace:x16}, {result.Steps} steps")
            : Text($"failed: {result.Broken.Message}; trace {result.Trace:x16}, {result.Steps} steps"));
        return result.Broken is null ? 0 : 1;
    }

    private static (SimPlan Plan, SimResult Result) Run(RunOptions options, ulong seed, SeedProgress? progress)
    {
        var plan = Swarm.Plan(seed, TimeSpan.FromHours(options.Hours), options.Vms, options.With);
        var world = new SimWorld(plan, keepNotes: options.Notes);
        return (plan, progress is null ? world.Run() : progress.Run(world));
    }

    private static void Above(SeedProgress? progress, Action say)
    {
        if (progress is null)
        {
            say();
        }
        else
        {
            progress.Above(say);
        }
    }

    private static void Failed(
        RunOptions options, (SimPlan Plan, SimResult Result, InvariantBrokenException Broken) failure,
        TextWriter output, TextWriter error)
    {
        foreach (var note in failure.Result.Notes)
        {
            error.WriteLine(note);
        }

        var to = options.Json ? error : output;
        to.WriteLine(Text($"seed {failure.Plan.Seed}, commit {Commit}: {failure.Broken.Message}"));
        to.WriteLine(Text($"after {failure.Result.Virtual}, faults and operations: {failure.Plan.Swarm}"));
        to.WriteLine(Text(
            $"repeat: ./drctl simulate run --seed {failure.Plan.Seed} --hours {options.Hours} --vms {options.Vms}")
            + (options.With == SimFeatures.None ? "" : $" --with {options.With}"));
    }

    /// <summary>
    /// Removes the events of a plan that its failure does not need, and writes the rest to an event file.
    /// </summary>
    private static void Shrink(SimPlan plan, string invariant, TextWriter output, TextWriter error)
    {
        SimPlan small;
        using (var progress = new ProgressLine(error, 1))
        {
            small = new Shrinker(invariant)
            {
                Progress = (part, events) => progress.Show(part, Text($"; {events} of {plan.Events.Count} events")),
            }.Shrink(plan);
        }

        var path = Text($"simulate-{plan.Seed}.json");
        EventFile.Write(path, small, invariant, Commit);
        output.WriteLine(Text(
            $"shrunk from {plan.Events.Count} events to {small.Events.Count}: ./drctl simulate replay {path}"));
    }

    private static void Report(RunOptions options, Tally tally, TimeSpan elapsed, TextWriter output)
    {
        var seconds = Math.Max(0.001, elapsed.TotalSeconds);
        var (rate, ratio) = (tally.Steps / seconds, tally.Virtual.TotalSeconds / seconds);
        if (options.Json)
        {
            output.WriteLine(JsonSerializer.Serialize(new
            {
                seeds = tally.Runs, broken = tally.Failures, steps = tally.Steps, stepsPerSecond = rate,
                virtualSeconds = tally.Virtual.TotalSeconds, virtualPerReal = ratio, events = tally.Events,
                trace = tally.Trace.ToString("x16", CultureInfo.InvariantCulture),
                sometimes = tally.Sometimes.ToDictionary(
                    s => $"{s.Key.What} {s.Key.Fault}", s => s.Value, StringComparer.Ordinal),
            }));
            return;
        }

        var summary = Text($"{tally.Runs} seeds, {tally.Failures} failed; {tally.Steps} steps in {seconds:F1} s")
            + Text($" = {rate:N0} steps/s; {tally.Events} planned events; {tally.Virtual.TotalHours:F1} virtual hours")
            + Text($" = {ratio:N0} x real time; trace {tally.Trace:x16}");
        output.WriteLine(summary);
        if (options.Sometimes)
        {
            SometimesTable.Print(tally.Sometimes, output);
        }
    }

    private static string Commit => typeof(SimulationRun).Assembly
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion is { } version
            && version.Split('+') is [_, var commit] ? commit : "unknown";

    private static string Text(FormattableString text) => FormattableString.Invariant(text);
}

/// <summary>The totals of all runs.</summary>
internal sealed class Tally
{
    private readonly SortedDictionary<(string What, string Fault), long> _sometimes = [];

    /// <summary>The number of runs so far.</summary>
    public int Runs { get; private set; }

    /// <summary>The number of runs in which a check failed.</summary>
    public int Failures { get; private set; }

    /// <summary>The number of steps of all queues.</summary>
    public long Steps { get; private set; }

    /// <summary>The number of events in all plans.</summary>
    public long Events { get; private set; }

    /// <summary>The virtual time of all runs.</summary>
    public TimeSpan Virtual { get; private set; }

    /// <summary>One hash over the trace hashes of all runs.</summary>
    public ulong Trace { get; private set; }

    /// <summary>The number of times that each event or state was reached under each fault class.</summary>
    public IReadOnlyDictionary<(string What, string Fault), long> Sometimes => _sometimes;

    /// <summary>Adds the result of a run.</summary>
    public void Add(SimPlan plan, SimResult result)
    {
        Runs++;
        Failures += result.Broken is null ? 0 : 1;
        Steps += result.Steps;
        Events += plan.Events.Count;
        Virtual += result.Virtual;
        Trace = (Trace * 0x100000001B3) ^ result.Trace;
        foreach (var (key, count) in result.Sometimes.Counts)
        {
            _sometimes[key] = _sometimes.GetValueOrDefault(key) + count;
        }
    }
}
