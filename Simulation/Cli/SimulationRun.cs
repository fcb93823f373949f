using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using ReplicationEngine.Simulation.Faults;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Cli;

/// <summary>Runs seeds and says what came of it.</summary>
internal static class SimulationRun
{
    /// <summary>Runs seeds; 1 when something was found broken.</summary>
    public static int Go(RunOptions options, TextWriter output, TextWriter error)
    {
        var watch = Stopwatch.StartNew();
        var tally = new Tally();
        for (var i = 0; i < options.Seeds; i++)
        {
            var seed = options.Seed + (ulong)i;
            var plan = Swarm.Plan(seed, TimeSpan.FromHours(options.Hours), options.Vms);
            var result = new SimWorld(plan, keepNotes: options.Notes).Run();
            tally.Add(plan, result);
            if (result.Broken is { } broken)
            {
                Failed(options, (seed, plan, result, broken), output, error);
            }

            Progress(options, (i + 1, tally, watch.Elapsed), error);
        }

        Report(options, tally, watch.Elapsed, output);
        return tally.Failures > 0 ? 1 : 0;
    }

    /// <summary>Runs an event file again.</summary>
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
            ? Text($"all held; trace {result.Trace:x16}, {result.Steps} steps")
            : Text($"broken: {result.Broken.Message}; trace {result.Trace:x16}, {result.Steps} steps"));
        return result.Broken is null ? 0 : 1;
    }

    private static void Failed(
        RunOptions options, (ulong Seed, SimPlan Plan, SimResult Result, Exception Broken) failure, TextWriter output,
        TextWriter error)
    {
        foreach (var note in failure.Result.Notes)
        {
            error.WriteLine(note);
        }

        error.WriteLine(Text($"seed {failure.Seed}, commit {Commit}: {failure.Broken.Message}"));
        error.WriteLine(Text($"after {failure.Result.Virtual}, faults and operations: {failure.Plan.Swarm}"));
        error.WriteLine(Text(
            $"again: ./drctl simulate run --seed {failure.Seed} --hours {options.Hours} --vms {options.Vms}"));
        if (options.Shrink)
        {
            var small = new Shrinker(failure.Result.Broken!.Invariant).Shrink(failure.Plan);
            var path = Text($"simulate-{failure.Seed}.json");
            EventFile.Write(path, small, failure.Result.Broken.Invariant, Commit);
            output.WriteLine(Text($"{failure.Plan.Events.Count} events shrunk to {small.Events.Count}: "
                + $"./drctl simulate replay {path}"));
        }
    }

    private static void Progress(RunOptions options, (int Done, Tally Tally, TimeSpan Elapsed) at, TextWriter error)
    {
        if (!options.Json && !Console.IsErrorRedirected)
        {
            error.Write(Text($"\r{at.Done}/{options.Seeds} seeds, {at.Tally.Failures} broken, "
                + $"{at.Tally.Steps / Math.Max(0.001, at.Elapsed.TotalSeconds):N0} steps/s "));
        }
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

        output.WriteLine(Text($"{tally.Runs} seeds, {tally.Failures} broken; {tally.Steps} steps in {seconds:F1} s = "
            + $"{rate:N0} steps/s; {tally.Events} planned events; {tally.Virtual.TotalHours:F1} virtual hours = "
            + $"{ratio:N0} x real time; trace {tally.Trace:x16}"));
        if (options.Sometimes)
        {
            SometimesTable.Print(tally.Sometimes, output);
        }
    }

    private static string Commit => typeof(SimulationRun).Assembly
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion is { } version
            && version.Split('+') is [_, var commit] ? commit : "unknown";

    private static string Text(string text) => text;
}

/// <summary>What runs add up to.</summary>
internal sealed class Tally
{
    private readonly SortedDictionary<(string What, string Fault), long> _sometimes = [];

    /// <summary>Runs so far.</summary>
    public int Runs { get; private set; }

    /// <summary>Runs that found something broken.</summary>
    public int Failures { get; private set; }

    /// <summary>Steps of the queues.</summary>
    public long Steps { get; private set; }

    /// <summary>Events of the plans.</summary>
    public long Events { get; private set; }

    /// <summary>Virtual time.</summary>
    public TimeSpan Virtual { get; private set; }

    /// <summary>All trace hashes in one.</summary>
    public ulong Trace { get; private set; }

    /// <summary>What was reached.</summary>
    public IReadOnlyDictionary<(string What, string Fault), long> Sometimes => _sometimes;

    /// <summary>Adds a run.</summary>
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
