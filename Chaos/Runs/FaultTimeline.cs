using ReplicationEngine.Chaos.Machines;
using ReplicationEngine.Chaos.Plans;

namespace ReplicationEngine.Chaos.Runs;

/// <summary>Injects the faults of a plan at their times, and ends each when its time is over.</summary>
internal sealed class FaultTimeline(Scene scene) : IDisposable
{
    private static readonly TimeSpan WorthJudging = TimeSpan.FromSeconds(1);

    private readonly Dictionary<PlannedFault, Witnessed> _begun = [];
    private readonly Stranger _stranger = new();

    /// <summary>Runs all faults. On return every fault has ended.</summary>
    public async Task RunAsync(IReadOnlyList<PlannedFault> faults, CancellationToken cancellationToken)
    {
        var moments = faults.SelectMany(fault => new (TimeSpan At, PlannedFault Fault, bool Begins)[]
        {
            (fault.At, fault, true), (fault.At + fault.For, fault, false),
        }).OrderBy(moment => moment.At).ToList();
        var start = TimeProvider.System.GetTimestamp();
        foreach (var (at, fault, begins) in moments)
        {
            var wait = at - TimeProvider.System.GetElapsedTime(start);
            if (wait > TimeSpan.Zero)
            {
                await Task.Delay(wait, TimeProvider.System, cancellationToken);
            }

            if (begins)
            {
                scene.Screen.Tell($"{FaultNames.Of(fault.Fault)} for {fault.For.TotalSeconds:0.0} s");
                scene.Ledger.Did(fault.Fault);
                _begun[fault] = See();
                Begin(fault.Fault);
            }
            else
            {
                JudgeGuests(fault);
                await JudgeStrangerAsync(fault.Fault);
                await EndAsync(fault.Fault, cancellationToken);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _stranger.Dispose();

    private Witnessed See() => new(scene.Sites.AgentTroubles, [.. scene.Machines
        .Where(machine => machine is { Place: Place.Source, Writer.IsWriting: true })
        .Select(machine => (machine, machine.Writer.AcknowledgedCount))]);

    // A guest at the source does not depend on the link and the target: it continues unaffected (I27).
    private void JudgeGuests(PlannedFault fault)
    {
        var before = _begun[fault];
        if (FaultNames.LanesOf(fault.Fault).HasFlag(Lanes.Agent) || fault.For < WorthJudging
            || scene.Sites.AgentTroubles != before.AgentTroubles || !scene.Sites.AgentRuns)
        {
            return;
        }

        foreach (var (machine, count) in before.Writing.Where(seen => seen.Machine.IsMeantToWrite))
        {
            scene.Ledger.Check(
                "I27", machine.Writer.AcknowledgedCount > count,
                $"{machine.Name}: no write was acknowledged during {FaultNames.Of(fault.Fault)} of "
                + $"{fault.For.TotalSeconds:0.0} s");
            machine.RefusedNothing();
        }
    }

    private async Task JudgeStrangerAsync(Fault fault)
    {
        if (fault == Fault.Stranger)
        {
            await _stranger.JudgeAsync(scene);
        }
    }

    private void Begin(Fault fault)
    {
        var sites = scene.Sites;
        Action act = fault switch
        {
            Fault.KillAgent => sites.KillAgent,
            Fault.KillService => sites.KillService,
            Fault.KillBoth => () =>
            {
                sites.KillService();
                sites.KillAgent();
            },
            Fault.PauseAgent => sites.HaltAgent,
            Fault.PauseService => sites.HaltService,
            Fault.FullDisk => () => sites.Disk!.Fill(),
            Fault.CutBoth => sites.Link.Cut,
            Fault.CutToService => () => sites.Link.Hold(toService: true, toAgent: false),
            Fault.CutToAgent => () => sites.Link.Hold(toService: false, toAgent: true),
            Fault.LoseJournal or Fault.OldJournal => sites.KillService,
            Fault.Stranger => () => _stranger.Start(scene.Sites),
            _ => () => sites.Link.Hold(toService: true, toAgent: true),
        };
        act();
    }

    private async Task EndAsync(Fault fault, CancellationToken cancellationToken)
    {
        var sites = scene.Sites;
        switch (fault)
        {
            case Fault.KillAgent:
                sites.StartAgent();
                break;
            case Fault.KillService:
                await sites.StartServiceAsync(cancellationToken);
                break;
            case Fault.LoseJournal or Fault.OldJournal:
                await new LostJournal(sites, scene.Ledger).ReplaceAsync(fault == Fault.OldJournal, cancellationToken);
                await sites.StartServiceAsync(cancellationToken);
                break;
            case Fault.Stranger:
                _stranger.Dispose();
                break;
            case Fault.KillBoth:
                await sites.StartServiceAsync(cancellationToken);
                sites.StartAgent();
                break;
            case Fault.PauseAgent:
                sites.LetAgentGoOn();
                break;
            case Fault.PauseService:
                sites.LetServiceGoOn();
                break;
            case Fault.FullDisk:
                sites.Disk!.Empty();
                break;
            default:
                sites.Link.Open();
                break;
        }
    }

    private sealed record Witnessed(int AgentTroubles, IReadOnlyList<(Machine Machine, long Count)> Writing);
}
