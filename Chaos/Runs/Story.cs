using System.Globalization;
using System.Text.Json.Nodes;
using ReplicationEngine.Chaos.Checks;
using ReplicationEngine.Chaos.Machines;
using ReplicationEngine.Chaos.Plans;
using ReplicationEngine.Chaos.Witness.Nbd;
using ReplicationEngine.Chaos.Witness.Writes;

namespace ReplicationEngine.Chaos.Runs;

/// <summary>A failover of one VM, its run at the target, and its way back, with kills in the middle of each.</summary>
internal sealed class Story(Scene scene, Calm calm, StoryPlan plan)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    private readonly Machine _machine = scene.Machines[plan.Vm];
    private int _step;

    /// <summary>Runs the story. The VM is protected at the source before and afterwards.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        await _machine.Turn.WaitAsync(cancellationToken);
        try
        {
            await (plan.Kind switch
            {
                StoryKind.LostSource => LoseAsync(cancellationToken),
                StoryKind.CutSource => CutAsync(cancellationToken),
                StoryKind.Planned => PlannedAsync(cancellationToken),
                _ => CancelledAsync(cancellationToken),
            });
        }
        finally
        {
            _machine.Turn.Release();
        }
    }

    private async Task LoseAsync(CancellationToken cancellationToken)
    {
        scene.Screen.Tell($"{_machine.Name}: the source is lost");
        var hidden = scene.Sites.Source + ".hidden";
        scene.Sites.KillAgent();
        scene.Ledger.Did(Fault.KillAgent);
        _machine.Writer.Stop();
        Directory.Move(scene.Sites.Source, hidden);
        var former = await TakeOverAsync(cancellationToken);
        Directory.Move(hidden, scene.Sites.Source);
        scene.Sites.StartAgent();
        await ReturnFencedAsync(former, cancellationToken);
        await ComeBackAsync(cancellationToken);
    }

    private async Task CutAsync(CancellationToken cancellationToken)
    {
        scene.Screen.Tell($"{_machine.Name}: the source is cut off and keeps writing");
        scene.Sites.Link.Cut();
        scene.Ledger.Did(Fault.CutBoth);
        var former = await TakeOverAsync(cancellationToken);
        scene.Sites.Link.Open();
        await ReturnFencedAsync(former, cancellationToken);
        await ComeBackAsync(cancellationToken);
    }

    private async Task PlannedAsync(CancellationToken cancellationToken)
    {
        var images = await FailOverPlannedAsync(cancellationToken);
        _machine.BeginLife(Place.Target, images);
        await ComeBackAsync(cancellationToken);
    }

    private async Task CancelledAsync(CancellationToken cancellationToken)
    {
        await FailOverPlannedAsync(cancellationToken);
        await StepAsync(new Order("cancel", ["cancel", _machine.Name], Calm.IsInStep), cancellationToken);
        await scene.Sites.UntilAsync(
            $"{_machine.Name} writes after the cancelled failover", _machine.TryGoOnAsync, Limit, cancellationToken);
    }

    private async Task<IReadOnlyList<byte[]>> FailOverPlannedAsync(CancellationToken cancellationToken)
    {
        await Task.Run(_machine.Rest, cancellationToken);
        var source = _machine.SourceImages();
        var view = await StepAsync(FailOver("planned"), cancellationToken);
        var images = await PointChecks.ReadAsync(Machine.Uris(view["recovered"])!, $"{_machine.Name}, recovered disks");
        Equal("I22", source, images, "after the planned failover");
        return images;
    }

    /// <summary>
    /// Fails over to the newest point without the source, checks it, and starts the machine's new incarnation.
    /// </summary>
    private async Task<(NumberedWriter Writer, IReadOnlyList<byte[]> Bases)> TakeOverAsync(
        CancellationToken cancellationToken)
    {
        var asked = TimeProvider.System.GetUtcNow();
        var view = await StepAsync(FailOver("unplanned"), cancellationToken);
        var what = $"{_machine.Name}, recovered disks";
        var images = await PointChecks.ReadAsync(Machine.Uris(view["recovered"])!, what);
        scene.Ledger.Compared();
        IReadOnlyList<NumberedWrite> missing = [];
        scene.Ledger.Check("I4", () => missing = WriteOrderCheck.Prefix(
            _machine.Bases, images, _machine.Writer.Writes, what));
        JudgeLoss(missing, view["recovered"]!, asked);
        var current = (string?)view["recovered"]!["point"]!["id"];
        if (plan.ChangesPoint
            && _machine.Points.Keys.Order(StringComparer.Ordinal).FirstOrDefault(id => id != current) is { } old)
        {
            await ChangePointAsync(old, images);
        }

        return _machine.BeginLife(Place.Target, images);
    }

    private async Task ChangePointAsync(string old, IReadOnlyList<byte[]> latest)
    {
        var changed = await scene.Sites.Drctl.AskAsync("change-point", _machine.Name, old);
        var images = await PointChecks.ReadAsync(Machine.Uris(changed)!, $"{_machine.Name}, point {old}");
        scene.Ledger.Check("I6", Machine.Hash(images) == _machine.Points[old],
            $"{_machine.Name}: changed to point {old}, the disks are not what it held");
        var back = await scene.Sites.Drctl.AskAsync("change-point", _machine.Name, "latest");
        var again = await PointChecks.ReadAsync(Machine.Uris(back)!, _machine.Name);
        Equal("I20", latest, again, "back at the latest point");
        scene.Ledger.Did("change-point");
    }

    // The RPO that the service reported is a bound: no lost write was acknowledged before it (I21).
    private void JudgeLoss(IReadOnlyList<NumberedWrite> missing, JsonNode recovered, DateTimeOffset asked)
    {
        var point = DateTimeOffset.Parse((string)recovered["point"]!["time"]!, CultureInfo.InvariantCulture);
        var stated = asked - TimeSpan.FromSeconds((double)recovered["rpoSeconds"]!) - TimeSpan.FromMilliseconds(1);
        var lost = missing.Where(write => write.Acknowledged is not null).ToList();
        var oldest = lost.MinBy(write => write.AcknowledgedAt);
        scene.Ledger.Check(
            "I21", oldest is null || (oldest.AcknowledgedAt >= stated && oldest.AcknowledgedAt >= point),
            $"{_machine.Name}: write {oldest?.Number}, acknowledged at {oldest?.AcknowledgedAt:O}, is lost; the point "
            + $"is of {point:O}, and no write before {stated:O} may be lost");
        scene.Screen.Tell(
            $"{_machine.Name}: {lost.Count} acknowledged writes lost, reported RPO "
            + $"{(double)recovered["rpoSeconds"]!:0.00} s");
    }

    private async Task ReturnFencedAsync(
        (NumberedWriter Writer, IReadOnlyList<byte[]> Bases) former, CancellationToken cancellationToken)
    {
        var view = await scene.Sites.UntilViewAsync(
            _machine.Name, "the source is fenced, and its disks can be read",
            v => (string?)v["source"]!["role"] == "fenced" && Machine.Uris(v["source"]) is not null, Limit,
            cancellationToken);
        await scene.Sites.UntilAsync(
            $"{_machine.Name}: the source's guest is stopped by the fence",
            () => Task.FromResult(!former.Writer.IsWriting), Limit, cancellationToken);
        await Task.Run(former.Writer.Stop, cancellationToken);
        foreach (var uri in Machine.Uris(view["source"])!)
        {
            var error = await Task.Run(
                () => NbdImages.WriteBlock(uri, 0, NumberedWrite.Content(-2)), cancellationToken);
            scene.Ledger.Check("I16", error == NbdWire.Eperm,
                $"{_machine.Name}: a write to the fenced source returned {error}, not EPERM");
        }

        var source = _machine.SourceImages();
        former.Writer.Settle(source);
        scene.Ledger.Check("I16", () => WriteOrderCheck.Complete(
            former.Bases, source, former.Writer.Writes, $"{_machine.Name}, the fenced source's disks"));
    }

    /// <summary>Takes the VM from a failover that waits for its commit back to the protected source.</summary>
    private async Task ComeBackAsync(CancellationToken cancellationToken)
    {
        await StepAsync(Reaches("commit", "failed-over"), cancellationToken);
        await WriteAsync(cancellationToken);
        await StepAsync(Reaches("reprotect", "protected-reverse", "--discard"), cancellationToken);
        await LetWriteDuringAsync(plan.Reverse, cancellationToken);
        await scene.Sites.UntilViewAsync(
            _machine.Name, "failback is possible", v => (string?)v["phase"] == "protected-reverse"
                && (bool)v["source"]!["connected"]! && Calm.Offers(v, "failback"), Limit, cancellationToken);
        await Task.Run(_machine.Rest, cancellationToken);
        var last = await PointChecks.ReadAsync((await _machine.UrisAsync())!, $"{_machine.Name}, recovered disks");
        _machine.IsComplete(last, $"{_machine.Name}, recovered disks before the failback");
        await StepAsync(Reaches("failback", "failback-commit-pending"), cancellationToken);
        Equal("I24", last, _machine.SourceImages(), "after the failback");
        _machine.BeginLife(Place.Source, last);
        await StepAsync(Reaches("commit", "failed-back"), cancellationToken);
        var view = await StepAsync(
            new Order("reprotect", ["reprotect", _machine.Name], Calm.IsInStep), cancellationToken);
        calm.JudgeTerm(_machine, view);
        await WriteAsync(cancellationToken);
    }

    private async Task WriteAsync(CancellationToken cancellationToken)
    {
        await scene.Sites.UntilAsync(
            $"{_machine.Name} writes at the {_machine.Place.ToString().ToLowerInvariant()}", _machine.TryGoOnAsync,
            Limit, cancellationToken);
        await calm.WritesAsync(_machine, cancellationToken);
        scene.Ledger.Check("I15", holds: true, "");
    }

    // The keeper keeps the machine writing while faults continue.
    private async Task LetWriteDuringAsync(IReadOnlyList<PlannedFault> faults, CancellationToken cancellationToken)
    {
        _machine.Turn.Release();
        try
        {
            using var timeline = new FaultTimeline(scene);
            await timeline.RunAsync(faults, cancellationToken);
            await calm.WritesAsync(_machine, cancellationToken);
        }
        finally
        {
            await _machine.Turn.WaitAsync(cancellationToken);
        }
    }

    private void Equal(string invariant, IReadOnlyList<byte[]> expected, IReadOnlyList<byte[]> found, string when)
    {
        for (var disk = 0; disk < expected.Count; disk++)
        {
            scene.Ledger.Check(invariant, () => WriteOrderCheck.Equal(
                expected[disk], found[disk], $"{_machine.Name}, disk {disk} {when}"));
        }
    }

    private Task<JsonNode> StepAsync(Order order, CancellationToken cancellationToken)
    {
        var kill = _step < plan.Kills.Count ? plan.Kills[_step] : null;
        _step++;
        return new Operation(scene).RunAsync(_machine, order, kill, cancellationToken);
    }

    private Order FailOver(string kind) => new(
        $"{kind}-failover", ["failover", _machine.Name, "--kind", kind, "--point", "latest"],
        v => (string?)v["phase"] == "commit-pending" && Machine.Uris(v["recovered"]) is not null);

    private Order Reaches(string operation, string phase, params string[] options) =>
        new(operation, [operation, _machine.Name, .. options], v => (string?)v["phase"] == phase);
}
