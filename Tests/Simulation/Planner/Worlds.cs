using ReplicationEngine.Simulation.Planner.Outages;
using ReplicationEngine.Simulation.Planner.Scenarios;

namespace ReplicationEngine.Tests.Simulation.Planner;

/// <summary>Small scenarios, made from one by changes.</summary>
internal static class Worlds
{
    /// <summary>One machine that writes 1 MiB each second over a link that carries 10.</summary>
    public const string Plain = """
        {
          "title": "plain", "duration": "1 d",
          "sites": [{ "name": "a" }, { "name": "b" }],
          "service": { "site": "b" },
          "links": [{ "name": "wan", "between": ["a", "b"], "bandwidth": "10 MiB/s", "latency": "10 ms" }],
          "policies": [{ "name": "p", "retention": "24 h", "rpoThreshold": "15 min", "cacheLimit": "8 GiB" }],
          "vms": [
            {
              "name": "vm", "site": "a", "disks": [{ "size": "100 GiB" }],
              "churn": { "kind": "constant", "rate": "1 MiB/s" }, "workingSet": "4 GiB"
            }
          ]
        }
        """;

    public static ScenarioSource Source { get; } = new(NodeReader.Read(Plain, "plain.json"), null);

    public static Scenario With(params string[] changes) => Source.Read([.. changes.Select(ScenarioChange.Parse)]);

    public static RunResult Run(params string[] changes) => OutageRun.Run(With(changes));
}
