using static ReplicationEngine.Simulation.Planner.Scenarios.ValueKind;

namespace ReplicationEngine.Simulation.Planner.Scenarios;

/// <summary>
/// The scenario format as a table. The parser checks scenarios against it, and the schema is written from it.
/// </summary>
internal static class ScenarioShapes
{
    private static readonly Amount Size = new(Quantity.Size);
    private static readonly Amount Rate = new(Quantity.Rate);
    private static readonly Amount Duration = new(Quantity.Duration);
    private static readonly Amount Share = new(Quantity.Share);
    private static readonly ListOf Names = new(new Text(), 1);

    /// <summary>The shape of a whole scenario.</summary>
    public static readonly Shape Root = new("scenario", "An outage scenario.",
        new("$schema", new Text(), "The schema, for editors."),
        new("title", new Text(), "One line: what the scenario is about.", Required: true),
        new("description", new Text(), "What is asked, for the reader of the report.", ""),
        new("seed", new Whole(0, long.MaxValue), "Where all randomness starts.", "1"),
        new("start", new Instant(), "The first instant of the run (UTC).", "2026-01-05T00:00:00Z"),
        new("duration", Duration, "How long the run is.", Required: true),
        new("sites", new ListOf(new Part("site"), 2), "The sites.", Required: true),
        new("service", new Part("service"), "The site of the service and its replicas.", Required: true),
        new("links", new ListOf(new Part("link"), 1), "The links between sites.", Required: true),
        new("policies", new ListOf(new Part("policy"), 1), "The replication policies.", Required: true),
        new("vms", new ListOf(new Part("vm"), 1), "The protected machines.", Required: true),
        new("outages", new ListOf(new Part("outage"), 0), "What goes wrong, and when."),
        new("failovers", new ListOf(new Part("failover"), 0), "Who fails over when, and to which point."),
        new("assumptions", new Part("assumptions"), "What the model takes for given."));

    private static readonly Shape Site = new("site", "A site.",
        new Field("name", new Name(), "Its name.", Required: true));

    private static readonly Shape Service = new("service", "The service (the appliance) with its replicas.",
        new Field("site", new Text(), "Its site: the recovery site.", Required: true));

    private static readonly Shape Link = new("link", "A link between two sites; each direction has the bandwidth.",
        new("name", new Name(), "Its name.", Required: true),
        new("between", Names, "The two sites.", Required: true),
        new("bandwidth", Rate, "What it carries each second.", Required: true),
        new("latency", Duration, "One way.", "5 ms"),
        new("loss", Share, "Packets lost.", "0 %"));

    private static readonly Shape Policy = new("policy", "A replication policy.",
        new("name", new Name(), "Its name.", Required: true),
        new("retention", Duration, "How long recovery points are kept.", "24 h"),
        new("appConsistentEvery", Duration, "How often a point is application-consistent; 0 s for never.", "0 s"),
        new("rpoThreshold", Duration, "The data loss at risk beyond which an alert is raised.", "60 min"),
        new("resync", new Choice("in-window", "immediately"), "When a complete comparison starts "
            + "automatically.", "in-window"),
        new("resyncFrom", new TimeOfDay(), "When that window opens (UTC).", "18:30"),
        new("resyncTo", new TimeOfDay(), "When that window closes (UTC).", "06:00"),
        new("cacheLimit", Size, "The most that one machine's replication log may take.", "8 GiB"),
        new("sendLimit", Rate, "The most that one machine sends each second; left out: no limit."));

    private static readonly Shape Vm = new("vm", "A protected machine, or several that are alike.",
        new("name", new Name(), "Its name.", Required: true),
        new("count", new Whole(1, 1000), "How many; more than one are named NAME-1, NAME-2, …", "1"),
        new("site", new Text(), "The site it runs at.", Required: true),
        new("policy", new Text(), "Its policy; left out: the first."),
        new("scenario", new Choice("SCN-1", "SCN-2", "SCN-3", "SCN-5"), "Its protection scenario.", "SCN-1"),
        new("disks", new ListOf(new Part("disk"), 1), "Its disks.", Required: true),
        new("churn", new Part("churn"), "What it writes.", Required: true),
        new("workingSet", Size, "The part of the disks that it writes to again and again; left out: a tenth of them."),
        new("writeSize", Size, "The size of one write.", "16 KiB"),
        new("compressTo", Share, "What is left of its bytes on the wire.", "100 %"),
        new("boot", Duration, "From writable disks to a machine that serves.", "2 min"));

    private static readonly Shape Disk = new("disk", "A disk.",
        new("size", Size, "Its size.", Required: true),
        new("used", Size, "The part that is not empty; left out: all of it."));

    private static readonly Shape Churn = new("churn", "What a machine writes.",
        new("kind", new Choice("constant", "daily", "burst", "trace"), "How it is described.", Required: true),
        new("rate", Rate, "constant: all the time. daily: in the busy hours. burst: outside the bursts."),
        new("idleRate", Rate, "daily: outside the busy hours.", "0 B/s"),
        new("from", new TimeOfDay(), "daily: when the busy hours begin (UTC).", "08:00"),
        new("to", new TimeOfDay(), "daily: when they end (UTC).", "18:00"),
        new("weekdaysOnly", new Flag(), "daily: Saturday and Sunday are idle.", "false"),
        new("bursts", new ListOf(new Part("burst"), 1), "burst: the bursts."),
        new("file", new Text(), "trace: a CSV file of lines 'seconds,bytes per second', next to the scenario."),
        new("steps", new ListOf(new Part("step"), 1), "trace: the steps, in place of a file."),
        new("repeat", new Flag(), "trace: begin again at its end.", "false"));

    private static readonly Shape Burst = new("burst", "A time in which a machine writes more, or elsewhere.",
        new("at", Duration, "When it begins, from the start of the run.", Required: true),
        new("for", Duration, "How long it lasts.", Required: true),
        new("rate", Rate, "What is written each second.", Required: true),
        new("every", Duration, "It comes again after this; left out: once."),
        new("workingSet", Size, "Where it writes to, such as all of the disks; left out: as always."));

    private static readonly Shape Step = new("step", "From a moment on, a rate.",
        new("at", Duration, "From when on.", Required: true),
        new("rate", Rate, "The rate.", Required: true));

    private static readonly Shape Outage = new("outage", "Something that goes wrong.",
        new("name", new Name(), "Its name.", Required: true),
        new("kind", new Choice("site", "link", "service", "agent", "host", "target-full", "cache-full"),
            "What: a whole site, a link, the service, a machine's agent, its host, no room for the replicas, no room "
            + "for its replication log.", Required: true),
        new("target", new Text(),
            "Which site or link; for agent, host and cache-full which machines, with * as wild card."),
        new("at", Duration, "When, from the start of the run; left out: at random."),
        new("for", Duration, "How long it lasts."),
        new("times", new Whole(1, 100000), "How often.", "1"),
        new("every", Duration, "From one beginning to the next."),
        new("meanTimeBetween", Duration, "At random: from one beginning to the next on average."),
        new("meanDuration", Duration, "At random: how long on average."),
        new("bandwidth", Rate, "link: it is not down but has only this."),
        new("latency", Duration, "link: it is not down but has this."),
        new("loss", Share, "link: it is not down but loses this."),
        new("losesReplicas", new Flag(), "service, site: what it stored is gone afterwards.", "false"));

    private static readonly Shape Failover = new("failover", "A decision to fail over.",
        new("name", new Name(), "Its name.", Required: true),
        new("vms", Names, "Which machines, with * as wild card.", Required: true),
        new("kind", new Choice("unplanned", "planned", "test"), "Which.", "unplanned"),
        new("at", Duration, "When, from the start of the run."),
        new("on", new Text(), "In place of 'at': when the outage of this name begins."),
        new("after", Duration, "With 'on': how long it is waited, if the outage still lasts.", "0 s"),
        new("point", new Choice("latest", "latest-processed", "latest-app"), "To which point.", "latest"),
        new("pointOlderThan", Duration, "In place of 'point': to the newest one that is older than this."),
        new("tryShutdown", new Flag(), "unplanned: the source is asked to stop first.", "false"),
        new("commit", new DurationOrNever(), "How long after the target is ready it is committed.", "1 h"),
        new("reprotect", new DurationOrNever(), "How long after the commit it is reprotected.", "never"),
        new("failback", new DurationOrNever(), "How long after that it fails back.", "never"),
        new("failbackCommit", new DurationOrNever(), "How long after that it is committed.", "10 min"),
        new("reprotectAgain", new DurationOrNever(), "How long after that it is reprotected.", "10 min"),
        new("cleanUp", new DurationOrNever(), "test: how long the copy stays.", "1 h"));

    private static readonly Shape Assumptions = new("assumptions", "What the model takes for given.",
        new("agentLostAfter", Duration, "A silent connection counts as lost after this.", "25 s"),
        new("prepareFailover", Duration, "From the order to writable disks.", "5 s"),
        new("compareRate", Rate, "How fast one machine's disks are read and hashed.", "400 MiB/s"),
        new("sampleEvery", Duration, "How often lag and points are sampled.", "1 min"),
        new("askAgainEvery", Duration, "A refused order is given again after this.", "5 min"),
        new("initialCopyDone", new Flag(), "The run begins with the disks copied.", "true"));

    /// <summary>The shapes of the parts of a scenario, by their names.</summary>
    public static readonly IReadOnlyDictionary<string, Shape> Parts = new[]
    {
        Site, Service, Link, Policy, Vm, Disk, Churn, Burst, Step, Outage, Failover, Assumptions,
    }.ToDictionary(shape => shape.Name, StringComparer.Ordinal);
}
