using Microsoft.Extensions.Options;
using ReplicationEngine.Actors.Entities;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>The engine's settings, validated when it starts.</summary>
public sealed class ReplicationEngineOptions
{
    /// <summary>A snapshot of an entity is stored after this many events; default 200.</summary>
    public int SnapshotEvery { get; set; } = 200;

    /// <summary>An entity that nobody needs for this long leaves memory; default 10 minutes.</summary>
    public TimeSpan PassivateAfter { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>How many letters may be under way at once; the senders of others wait; default 4,096.</summary>
    public int ConcurrentAsks { get; set; } = 4_096;

    /// <summary>
    /// Over how many shards the entities of a type are spread; the same on all nodes, for ever; default 256.
    /// </summary>
    public int Shards { get; set; } = 256;

    /// <summary>
    /// Configuration (HOCON) that goes before the engine's own <c>akka.hocon</c>; environment variables such as
    /// <c>AKKA__LOGLEVEL</c> go before it. Default: none.
    /// </summary>
    public string? AkkaConfiguration { get; set; }

    /// <summary>How many exceptions an entity may meet within <see cref="RestartWindow"/>; default 3.</summary>
    public int RestartBudget { get; set; } = 3;

    /// <summary>The time over which an entity's exceptions are counted; default 1 minute.</summary>
    public TimeSpan RestartWindow { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Events older than this, and before their entity's snapshot, are moved from the journal to its archive; null
    /// leaves them; default 30 days.
    /// </summary>
    public TimeSpan? ArchiveAfter { get; set; } = TimeSpan.FromDays(30);

    /// <summary>An entity with fewer of such events is left as it is, so that files are not small; default
    /// 2,000.</summary>
    public int ArchiveAtLeast { get; set; } = 2_000;

    /// <summary>How often the engine looks for such events; default 1 hour.</summary>
    public TimeSpan ArchiveEvery { get; set; } = TimeSpan.FromHours(1);

    internal EntityCoreOptions Core => new()
    {
        SnapshotEvery = SnapshotEvery,
        RestartBudget = RestartBudget,
        RestartWindow = RestartWindow,
    };
}

/// <summary>Says every wrong setting at once.</summary>
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
