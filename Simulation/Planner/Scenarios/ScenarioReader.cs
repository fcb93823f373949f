using System.Globalization;
using System.IO.Enumeration;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.Scenarios;

namespace ReplicationEngine.Simulation.Planner.Scenarios;

/// <summary>
/// Reads a scenario: first checks its form (<see cref="ShapeCheck"/>), then whether its parts fit each other. Each of
/// the two checks reports all problems at once.
/// </summary>
internal sealed class ScenarioReader
{
    private readonly List<ScenarioProblem> _problems = [];
    private readonly string? _directory;

    private ScenarioReader(string? directory) => _directory = directory;

    /// <summary>Checks a scenario and returns it.</summary>
    /// <param name="node">The scenario as JSON.</param>
    /// <param name="directory">The directory of the trace files; null for the current directory.</param>
    /// <exception cref="ScenarioException">The scenario is not correct.</exception>
    public static Scenario Read(Node node, string? directory)
    {
        var form = ShapeCheck.Problems(node, ScenarioShapes.Root).ToList();
        if (form.Count > 0)
        {
            throw new ScenarioException(InOrder(form));
        }

        var reader = new ScenarioReader(directory);
        var scenario = reader.Build(new NodeView(node, ScenarioShapes.Root, ""));
        return reader._problems.Count == 0 ? scenario : throw new ScenarioException(InOrder(reader._problems));
    }

    /// <summary>Returns whether a name matches a pattern with * as wild card.</summary>
    public static bool Means(string pattern, string name) => FileSystemName.MatchesSimpleExpression(pattern, name);

    private static List<ScenarioProblem> InOrder(List<ScenarioProblem> problems) =>
        [.. problems.OrderBy(p => p.Place.Line).ThenBy(p => p.Place.Column)];

    private Scenario Build(NodeView root)
    {
        var sites = Named(root.Parts("sites"), "site", view => view.Text("name"));
        var links = Named(root.Parts("links"), "link", view => ReadLink(view, sites));
        var policies = Named(root.Parts("policies"), "policy", ReadPolicy);
        var service = root.Part("service")!.Value;
        Known(service, "site", sites, "site");
        var serviceSite = service.Text("site");
        var vms = Named(root.Parts("vms"), "vm", view => ReadVms(view, sites, policies)).SelectMany(vm => vm).ToList();
        foreach (var vm in root.Parts("vms"))
        {
            RequireLink(vm, serviceSite, links);
        }

        var duration = root.Time("duration");
        if (duration <= TimeSpan.Zero || duration > TimeSpan.FromDays(3660))
        {
            _problems.Add(root.Problem("duration", "The run must be longer than 0 and at most 3660 d."));
        }

        var outages = Named(root.Parts("outages"), "outage", view => ReadOutage(view, sites, links, vms));
        var failovers = Named(root.Parts("failovers"), "failover", view => ReadFailover(view, outages, vms));
        foreach (var late in root.Parts("outages").Concat(root.Parts("failovers"))
            .Where(view => view.TimeOrNull("at") >= duration))
        {
            _problems.Add(late.Problem("at", $"It would come after the run's end at {root.Text("duration")}; write an "
                + "earlier time, or a longer duration."));
        }

        _ = ShapeCheck.IsInstant(root.Text("start"), out var start);
        return new Scenario(
            root.Text("title"), root.Text("description"), (ulong)root.Whole("seed"), start, duration, serviceSite,
            ReadAssumptions(root.PartOrDefaults("assumptions")))
        {
            Sites = sites, Links = links, Vms = vms, Outages = outages, Failovers = failovers,
        };
    }

    private List<T> Named<T>(IReadOnlyList<NodeView> views, string what, Func<NodeView, T> read)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var all = new List<T>();
        foreach (var view in views)
        {
            if (!seen.Add(view.Text("name")))
            {
                _problems.Add(view.Problem("name", $"There are two of the name '{view.Text("name")}'; "
                    + $"give each {what} its own."));
            }

            all.Add(read(view));
        }

        return all;
    }

    private LinkPlan ReadLink(NodeView view, List<string> sites)
    {
        var between = view.Texts("between");
        var unknown = between.Where(site => !sites.Contains(site, StringComparer.Ordinal)).ToList();
        if (between.Count != 2 || between[0] == between[1] || unknown.Count > 0)
        {
            _problems.Add(view.Problem("between", "A link is between two different sites of this scenario "
                + $"({string.Join(", ", sites)}); name both."));
            between = ["", ""];
        }

        RequirePositive(view, "bandwidth");
        RequireLoss(view, "loss");
        return new LinkPlan(view.Text("name"), between[0], between[1],
            new LinkQuality(view.Amount("bandwidth"), view.Time("latency"), view.Amount("loss")));
    }

    private static PolicyPlan ReadPolicy(NodeView view) => new(
        new ReplicationPolicy(
            view.Text("name"), view.Time("retention"), view.Time("appConsistentEvery"), view.Time("rpoThreshold"),
            view.Text("resync") == "immediately" ? AutoResync.Immediately : AutoResync.InWindow,
            new DailyWindow(view.Clock("resyncFrom"), view.Clock("resyncTo"), TimeSpan.Zero)),
        view.Amount("cacheLimit"), view.AmountOrNull("sendLimit") ?? double.PositiveInfinity);

    private IEnumerable<VmPlan> ReadVms(NodeView view, List<string> sites, List<PolicyPlan> policies)
    {
        Known(view, "site", sites, "site");
        var policy = view.Has("policy") ? policies.Find(p => p.Policy.Name == view.Text("policy")) : policies[0];
        if (policy is null)
        {
            _problems.Add(view.Problem("policy", $"There is no policy '{view.Text("policy")}'; use one of "
                + $"{string.Join(", ", policies.Select(p => p.Policy.Name))}."));
            policy = policies[0];
        }

        foreach (var problem in policy.Policy.Problems(ScenarioCatalog.Find(view.Text("scenario"))!))
        {
            _problems.Add(view.Problem("policy", problem));
        }

        var disks = view.Parts("disks");
        var sizes = disks.Select(disk => (long)disk.Amount("size")).ToList();
        var total = sizes.Sum(size => (double)size);
        foreach (var disk in disks)
        {
            RequirePositive(disk, "size");
            if (disk.AmountOrNull("used") > disk.Amount("size"))
            {
                _problems.Add(disk.Problem("used", "More is used than the disk has; write at most its size."));
            }
        }

        RequirePositive(view, "writeSize");
        var plan = new VmPlan(view.Text("name"), view.Text("site"), view.Text("scenario"), policy, ReadChurn(view))
        {
            Disks = sizes,
            Used = Math.Min(total, disks.Sum(disk => disk.AmountOrNull("used") ?? disk.Amount("size"))),
            WorkingSet = Math.Min(total, view.AmountOrNull("workingSet") ?? (total / 10)),
            WriteSize = view.Amount("writeSize"),
            CompressTo = Math.Clamp(view.Amount("compressTo"), 0.01, 1.0),
            Boot = view.Time("boot"),
        };
        var count = view.Whole("count");
        return count == 1 ? [plan]
            : Enumerable.Range(1, (int)count).Select(number => plan with { Name = $"{plan.Name}-{number}" });
    }

    private Churn ReadChurn(NodeView vm)
    {
        var view = vm.Part("churn")!.Value;
        var kind = view.Text("kind");
        string? missing = kind switch
        {
            "trace" => view.Has("file") || view.Has("steps") ? null : "steps",
            "burst" when !view.Has("bursts") => "bursts",
            _ => view.Has("rate") ? null : "rate",
        };
        if (missing is not null)
        {
            _problems.Add(view.Problem("kind", $"A churn of kind '{kind}' needs '{missing}'; add it."));
            return new Churn.Constant(0);
        }

        return kind switch
        {
            "constant" => new Churn.Constant(view.Amount("rate")),
            "daily" => new Churn.Daily(
                view.Amount("rate"), view.Amount("idleRate"), view.Clock("from"), view.Clock("to"),
                view.Flag("weekdaysOnly")),
            "burst" => new Churn.Bursts(view.Amount("rate"), [.. view.Parts("bursts").Select(ReadBurst)]),
            _ => new Churn.Steps(ReadSteps(view), view.Flag("repeat")),
        };
    }

    private ChurnBurst ReadBurst(NodeView view)
    {
        if (view.TimeOrNull("every") is { } every && every < view.Time("for"))
        {
            _problems.Add(view.Problem("every", "The burst would come again before it ends; make 'every' longer."));
        }

        return new ChurnBurst(
            view.Time("at"), view.Time("for"), view.Amount("rate"), view.TimeOrNull("every"),
            view.AmountOrNull("workingSet"));
    }

    private IReadOnlyList<(TimeSpan At, double Rate)> ReadSteps(NodeView view)
    {
        if (view.Has("steps"))
        {
            return
            [
                .. view.Parts("steps").Select(step => (At: step.Time("at"), step.Amount("rate"))).OrderBy(s => s.At),
            ];
        }

        var place = view.Problem("file", "");
        try
        {
            return ChurnTrace.Read(view.Text("file"), _directory);
        }
        catch (ScenarioException e)
        {
            _problems.AddRange(e.Problems.Select(p => new ScenarioProblem(place.Place, place.Path, p.ToString())));
            return [];
        }
    }

    private OutagePlan ReadOutage(NodeView view, List<string> sites, List<LinkPlan> links, List<VmPlan> vms)
    {
        var kind = Enum.Parse<OutageKind>(
            CultureInfo.InvariantCulture.TextInfo.ToTitleCase(view.Text("kind")).Replace("-", ""));
        var target = view.TextOrNull("target") ?? "";
        IEnumerable<string>? known = kind switch
        {
            OutageKind.Site => sites,
            OutageKind.Link => links.Select(link => link.Name),
            OutageKind.Agent or OutageKind.Host or OutageKind.CacheFull => vms.Select(vm => vm.Name),
            _ => null,
        };
        if (known is not null && !known.Any(name => Means(target, name)))
        {
            _problems.Add(view.Problem("target", $"'{target}' is none of {string.Join(", ", known.Take(12))}; "
                + "name what fails."));
        }

        var change = new LinkChange(view.AmountOrNull("bandwidth"), view.TimeOrNull("latency"),
            view.AmountOrNull("loss"));
        RequireLoss(view, "loss");
        var degraded = change != new LinkChange(null, null, null);
        if (degraded && kind != OutageKind.Link)
        {
            _problems.Add(view.Problem("kind", "Only a link can be left with bandwidth, latency or "
                + "loss; remove them."));
        }

        return new OutagePlan(
            view.Text("name"), kind, target, ReadTimes(view), degraded ? change : null, view.Flag("losesReplicas"));
    }

    private OutageTimes ReadTimes(NodeView view)
    {
        var random = view.TimeOrNull("meanTimeBetween");
        var times = view.Whole("times");
        if (random is null ? !view.Has("at") || !view.Has("for") : !view.Has("meanDuration"))
        {
            _problems.Add(view.Problem("name", "Say when: 'at' and 'for', or at random 'meanTimeBetween' and "
                + "'meanDuration'."));
        }
        else if (random is not null && (view.Has("at") || view.Has("for") || view.Has("every")))
        {
            _problems.Add(view.Problem("meanTimeBetween", "An outage at random has no 'at', 'for' or 'every'."));
        }
        else if (times > 1 && (view.TimeOrNull("every") is not { } every || every <= view.Time("for")))
        {
            _problems.Add(view.Problem("times", "An outage that comes more than once needs 'every', longer than "
                + "'for'."));
        }

        return new OutageTimes(
            view.TimeOrNull("at") ?? TimeSpan.Zero, view.TimeOrNull("for") ?? TimeSpan.Zero, times,
            view.TimeOrNull("every") ?? TimeSpan.Zero, random, view.TimeOrNull("meanDuration") ?? TimeSpan.Zero);
    }

    private FailoverPlan ReadFailover(NodeView view, List<OutagePlan> outages, List<VmPlan> vms)
    {
        var on = view.TextOrNull("on");
        if (view.Has("at") == (on is not null))
        {
            _problems.Add(view.Problem("name", "Say when: either 'at', or 'on' with the name of an outage."));
        }
        else if (on is not null && outages.TrueForAll(outage => outage.Name != on))
        {
            _problems.Add(view.Problem("on", $"There is no outage '{on}'; use one of "
                + $"{string.Join(", ", outages.Select(outage => outage.Name))}."));
        }

        if (view.Texts("vms").FirstOrDefault(p => !vms.Exists(vm => Means(p, vm.Name))) is { } nobody)
        {
            _problems.Add(view.Problem("vms", $"'{nobody}' means no machine of this scenario; name one, or use *."));
        }

        return new FailoverPlan(
            view.Text("name"), view.Texts("vms"), Enum.Parse<FailoverPlanKind>(view.Text("kind"), ignoreCase: true))
        {
            At = view.TimeOrNull("at") ?? TimeSpan.Zero,
            On = on,
            After = view.Time("after"),
            Point = view.Text("point") switch
            {
                "latest" => PointWish.Latest,
                "latest-app" => PointWish.LatestApp,
                _ => PointWish.LatestProcessed,
            },
            OlderThan = view.TimeOrNull("pointOlderThan"),
            TryShutdown = view.Flag("tryShutdown"),
            Commit = view.Delay("commit"),
            Reprotect = view.Delay("reprotect"),
            Failback = view.Delay("failback"),
            FailbackCommit = view.Delay("failbackCommit"),
            ReprotectAgain = view.Delay("reprotectAgain"),
            CleanUp = view.Delay("cleanUp"),
        };
    }

    private Assumptions ReadAssumptions(NodeView view)
    {
        RequirePositive(view, "compareRate");
        RequirePositive(view, "sampleEvery");
        RequirePositive(view, "askAgainEvery");
        return new Assumptions(
            view.Time("agentLostAfter"), view.Time("prepareFailover"), view.Amount("compareRate"),
            view.Time("sampleEvery"), view.Time("askAgainEvery"), view.Flag("initialCopyDone"));
    }

    private void Known(NodeView view, string name, List<string> known, string what)
    {
        if (!known.Contains(view.Text(name), StringComparer.Ordinal))
        {
            _problems.Add(view.Problem(name, $"There is no {what} '{view.Text(name)}'; use one of "
                + $"{string.Join(", ", known)}."));
        }
    }

    private void RequireLink(NodeView vm, string serviceSite, List<LinkPlan> links)
    {
        var site = vm.Text("site");
        if (site == serviceSite)
        {
            _problems.Add(vm.Problem("site", "The machine would be protected at its own site; put it at another."));
        }
        else if (!links.Exists(link => (link.SiteA, link.SiteB) == (site, serviceSite)
            || (link.SiteB, link.SiteA) == (site, serviceSite)))
        {
            _problems.Add(vm.Problem("site", $"No link leads from '{site}' to the service at "
                + $"'{serviceSite}'; add one."));
        }
    }

    private void RequirePositive(NodeView view, string name)
    {
        if (view.AmountOrNull(name) is <= 0)
        {
            _problems.Add(view.Problem(name, "It must be more than 0."));
        }
    }

    private void RequireLoss(NodeView view, string name)
    {
        if (view.AmountOrNull(name) is >= 1)
        {
            _problems.Add(view.Problem(name, "It must be less than 100 %; for a link that carries nothing write an "
                + "outage without 'loss'."));
        }
    }
}
