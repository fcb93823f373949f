using Microsoft.Extensions.Options;
using ReplicationEngine.Actors.Clustering;
using ReplicationEngine.Actors.Entities;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>The engine's settings, validated at its start.</summary>
public sealed class ReplicationEngineOptions
{
    /// <summary>The number of events after which an entity's snapshot is stored; default 200.</summary>
    public int SnapshotEvery { get; set; } = 200;

    /// <summary>How long an entity must be idle before it leaves memory; default 10 minutes.</summary>
    public TimeSpan PassivateAfter { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>The maximum number of messages in flight. Further senders wait. Default 4,096.</summary>
    public int ConcurrentAsks { get; set; } = 4_096;

    /// <summary>
    /// The number of shards over which the entities of a type are spread. Must be the same on all nodes and never
    /// change. Default 256.
    /// </summary>
    public int Shards { get; set; } = 256;

    /// <summary>
    /// Configuration (HOCON) with precedence over the engine's own <c>akka.hocon</c>. Environment variables such as
    /// <c>AKKA__LOGLEVEL</c> have precedence over it. Default: none.
    /// </summary>
    public string? AkkaConfiguration { get; set; }

    /// <summary>The number of exceptions allowed per entity within <see cref="RestartWindow"/>; default 3.</summary>
    public int RestartBudget { get; set; } = 3;

    /// <summary>The time over which an entity's exceptions are counted; default 1 minute.</summary>
    public TimeSpan RestartWindow { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// The age at which events that precede their entity's snapshot are moved from the journal to its archive; null
    /// disables archiving; default 30 days.
    /// </summary>
    public TimeSpan? ArchiveAfter { get; set; } = TimeSpan.FromDays(30);

    /// <summary>
    /// The minimum number of movable events per entity, so that archive files are not small; default 2,000.
    /// </summary>
    public int ArchiveAtLeast { get; set; } = 2_000;

    /// <summary>The interval at which the engine looks for events to archive; default 1 hour.</summary>
    public TimeSpan ArchiveEvery { get; set; } = TimeSpan.FromHours(1);

    /// <summary>
    /// The settings of this process as one of several nodes on the same journal, which must be in PostgreSQL; null runs
    /// it alone. Default: null.
    /// </summary>
    public ClusterNode? Node { get; set; }

    internal EntityCoreOptions Core => new()
    {
        SnapshotEvery = SnapshotEvery,
        RestartBudget = RestartBudget,
        RestartWindow = RestartWindow,
    };
}

/// <summary>Validates the settings and reports every invalid one at once.</summary>
internal sealed class ReplicationEngineOptionsValidator : IValidateOptions<ReplicationEngineOptions>
{
    public ValidateOptionsResult Validate(string? name, ReplicationEngineOptions options)
    {
        var faults = new List<string>();
        Require(options.SnapshotEvery >= 1, $"SnapshotEvery is {options.SnapshotEvery}; it must be 1 or more.");
        Require(
            options.PassivateAfter >= TimeSpan.FromSeconds(1),
            $"PassivateAfter is {options.PassivateAfter}; it must be 1 s or more.");
        Require(options.ConcurrentAsks >= 1, $"ConcurrentAsks is {options.ConcurrentAsks}; it must be 1 or more.");
        Require(options.Shards >= 1, $"Shards is {options.Shards}; it must be 1 or more.");
        Require(options.RestartBudget >= 0, $"RestartBudget is {options.RestartBudget}; it must be 0 or more.");
        Require(
            options.RestartWindow > TimeSpan.Zero,
            $"RestartWindow is {options.RestartWindow}; it must be positive.");
        Require(
            options.ArchiveAfter is not { } after || (after >= TimeSpan.Zero && after <= TimeSpan.FromDays(36_500)),
            $"ArchiveAfter is {options.ArchiveAfter}; it must be 0 to 36,500 days, or null.");
        Require(options.ArchiveAtLeast >= 1, $"ArchiveAtLeast is {options.ArchiveAtLeast}; it must be 1 or more.");
        Require(
            options.ArchiveEvery >= TimeSpan.FromSeconds(1) && options.ArchiveEvery <= TimeSpan.FromDays(30),
            $"ArchiveEvery is {options.ArchiveEvery}; it must be 1 s to 30 days.");
        Require(options.Node?.Problem is null, $"Node: {options.Node?.Problem}");
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);

        void Require(bool holds, string fault)
        {
            if (!holds)
            {
                faults.Add(fault);
            }
        }
    }
}
