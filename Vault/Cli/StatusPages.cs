using ReplicationEngine.Vault.Contracts;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace ReplicationEngine.Vault.Cli;

/// <summary><c>drctl status</c>: all VMs as a table, or one VM as a page.</summary>
internal static class StatusPages
{
    /// <summary>The width of a page when the output is no terminal.</summary>
    public const int UsualWidth = 80;

    private const int Names = 16;

    /// <summary>Returns a table with a row for each VM, and a summary of their health.</summary>
    /// <param name="vms">The VMs.</param>
    /// <param name="ended">The number of VMs that are left out because their protection was ended.</param>
    /// <param name="now">The current time.</param>
    public static IRenderable Table(IReadOnlyList<VmView> vms, int ended, DateTimeOffset now)
    {
        var left = ended == 0 ? "" : $" {Readable.Count(ended, "VM")} with protection ended: see --all.";
        if (vms.Count == 0)
        {
            return new Rows(
                Pages.Line($"No VM is protected yet; start with `drctl protect NAME --disk PATH`.{left}"));
        }

        var table = Pages.Table("VM", "PHASE", "HEALTH", "LAG", "PROGRESS", "POINTS", "NEWEST POINT", "SOURCE");
        foreach (var vm in vms)
        {
            if (IsOutOfService(vm))
            {
                table.With(vm.Vm, vm.Phase, vm.Health, "–", "–", "–", "–", "–");
                continue;
            }

            table.With(
                vm.Vm, vm.Phase, vm.Health, Lag(vm), vm.Progress is { } p ? $"{p.What} {Readable.Percent(p.Percent)}"
                    : "–",
                $"{vm.Points.Count}", vm.Points.Newest is { } point ? Ago(point.Time, now) : "–",
                $"{ApiText.Of(vm.Source.Role)} on {vm.Source.Agent}"
                    + $"{(vm.Source.Connected ? string.Empty : " (not connected)")}");
        }

        return new Rows(table, Pages.Line(Summary(vms) + left));
    }

    /// <summary>Returns a page about a VM, in lines of a given width.</summary>
    public static IRenderable Page(VmView vm, DateTimeOffset now, int width)
    {
        var rows = new List<IRenderable>
        {
            Pages.Line($"{vm.Vm}: {vm.Phase}, health {vm.Health}", Pages.HealthStyle(vm.Health)),
        };
        foreach (var cause in vm.Causes)
        {
            var style = Pages.HealthStyle(cause.Severity);
            rows.Add(Wrapped.Show(
                Wrapped.Lines(
                    "  ", $"{cause.Severity}: {cause.Message} ({cause.Code}, since {Readable.Time(cause.Since)})",
                    width, 4),
                style));
            if (cause.Remedy is { Length: > 0 } remedy)
            {
                rows.Add(Wrapped.Show(Wrapped.Lines("    → ", remedy, width), style));
            }
        }

        if (vm.Progress is { } progress)
        {
            rows.Add(Wrapped.Show(Wrapped.Lines(
                $"  {progress.What} {Readable.Bar(progress.Percent, 20)} ",
                $"{WaitState.ProgressText(progress)}, {Readable.Bytes(progress.WireBytes)} on the wire", width, 4)));
        }

        if (IsOutOfService(vm))
        {
            // Only the reason is known of a VM that is out of service.
            return new Rows(rows);
        }

        rows.AddRange(Facts(vm, now).Select(fact => Fact(fact.Name, fact.Value, width)));
        rows.AddRange(Disks("disk", vm.Source.Disks, width));
        Recovered(rows, "Recovered machine", vm.Recovered, width);
        Recovered(rows, "Test failover", vm.Test, width);
        if (vm.Jobs.Count > 0)
        {
            rows.Add(Pages.Heading("Jobs"));
            rows.Add(JobsPage.Timeline(vm.Jobs, now, width));
        }

        return new Rows(rows);
    }

    /// <summary>Returns the difference between an agent's clock and the service's, as text.</summary>
    public static string Clock(double? offsetSeconds) => offsetSeconds switch
    {
        null => "not measured",
        { } offset when Math.Abs(offset) < 0.001 => "in sync",
        { } offset => $"{Readable.Duration(Math.Abs(offset))} {(offset > 0 ? "ahead" : "behind")}",
    };

    /// <summary>Returns the lag of the other side, as text.</summary>
    public static string Lag(VmView vm) =>
        $"{Readable.Bytes(vm.LagBytes)}, "
            + $"{(vm.LagSeconds is { } seconds ? Readable.Duration(seconds) : "age unknown")}";

    /// <summary>Returns the time since an instant, as text.</summary>
    public static string Ago(DateTimeOffset time, DateTimeOffset now) =>
        $"{Readable.Duration(Math.Max(0, (now - time).TotalSeconds))} ago";

    private static string Summary(IReadOnlyList<VmView> all)
    {
        var vms = all.Where(vm => vm.Health != "none").ToList();
        var health = string.Join(", ", vms.GroupBy(vm => vm.Health, StringComparer.Ordinal)
            .OrderBy(group => group.Key, StringComparer.Ordinal).Select(group => $"{group.Count()} {group.Key}"));
        var bare = vms.Where(vm => vm.UnprotectedSeconds > 0).ToList();
        var outOfService = vms.Count(IsOutOfService);
        var parts = new List<string>();
        if (outOfService > 0)
        {
            parts.Add($"{outOfService} quarantined");
        }

        if (bare.Count > 0)
        {
            parts.Add($"{bare.Count} unprotected now, the longest for "
                + Readable.Duration(bare.Max(vm => vm.UnprotectedSeconds!.Value)));
        }
        else if (outOfService < vms.Count)
        {
            parts.Add(outOfService == 0 ? "all are protected now" : "all others are protected now");
        }

        return vms.Count == 0 ? "No VM is meant to be protected."
            : $"{Readable.Count(vms.Count, "VM")}: {health}; {string.Join(", ", parts)}.";
    }

    private static bool IsOutOfService(VmView vm) => vm.Phase == "quarantined";

    private static IRenderable Fact(string name, string value, int width) =>
        Wrapped.Show(Wrapped.Lines($"  {name}".PadRight(Names), value, width));

    private static IEnumerable<(string Name, string Value)> Facts(VmView vm, DateTimeOffset now)
    {
        var (source, next, settings) = (vm.Source, vm.Next, vm.Settings);
        yield return ("lag", Lag(vm));
        yield return ("unprotected", vm.UnprotectedSeconds switch
        {
            null => "not meant to be protected",
            0 => "no",
            { } bare => $"for {Readable.Duration(bare)}: writes since then are on one side only",
        });
        yield return ("next transfer", $"{next.Mode}, {Readable.Bytes(next.Bytes)}"
            + $"{(next.Seconds is { } seconds ? $", about {Readable.Duration(seconds)}" : string.Empty)}: {next.Why}");
        yield return ("source", $"{ApiText.Of(source.Role)} on {source.Agent}, "
            + $"{(source.Connected ? "connected" : "not connected")}, "
            + $"capture {ApiText.Of(source.Capture)}, generation {source.Generation}, LSN {source.Lsn}");
        yield return ("clock", Clock(source.ClockOffsetSeconds));
        yield return ("waiting", $"{Readable.Bytes(source.CacheBytes)} in the cache, "
            + $"{Readable.Bytes(source.DirtyBytes)} in the dirty map");
        if (source.DivergentBytes is { } divergent)
        {
            yield return ("divergent", $"{Readable.Bytes(divergent)} written only at the old source");
        }

        yield return ("sent", $"{Readable.Bytes(source.WireBytes)} on the wire for "
            + $"{Readable.Bytes(source.ChangedBytes)} "
            + $"changed{(source.CountedSince is { } since ? $", since {Readable.Time(since)}" : string.Empty)}");
        yield return ("settings", $"{settings.Scenario}, policy {settings.Policy}, points kept "
            + $"{Readable.Duration(settings.RetentionHours * 3600)}, "
            + $"application-consistent {AppEvery(settings)}, term {settings.Term}");
        yield return ("points", vm.Points.Newest is { } newest
            ? $"{vm.Points.Count}, newest {ApiText.Of(newest.Kind)} "
                + $"{Readable.Time(newest.Time)} ({Ago(newest.Time, now)})"
            : $"{vm.Points.Count}");
        yield return ("possible now", vm.Operations.Count == 0 ? "none" : string.Join(", ", vm.Operations));
    }

    private static string AppEvery(SettingsView settings) =>
        settings.AppConsistentHours > 0 ? $"every {Readable.Duration(settings.AppConsistentHours * 3600)}"
            : "on demand";

    // A disk's address has a line of its own, so that it is easy to cut out.
    private static IEnumerable<IRenderable> Disks(string name, IReadOnlyList<DiskView> disks, int width) =>
        disks.SelectMany(IEnumerable<IRenderable> (disk) =>
        [
            Fact(name, $"{disk.Path}, {Readable.Bytes(disk.SizeBytes)}", width),
            Fact("", disk.Uri ?? "not served", width),
        ]);

    private static void Recovered(List<IRenderable> rows, string title, RecoveredView? recovered, int width)
    {
        if (recovered is null)
        {
            return;
        }

        rows.Add(Pages.Heading(title));
        rows.Add(Wrapped.Show(Wrapped.Lines(
            "  ", $"{ApiText.Of(recovered.Point.Kind)} point {recovered.Point.Id} of "
                + $"{Readable.Time(recovered.Point.Time)}, "
            + $"RPO {Readable.Duration(recovered.RpoSeconds)}, RTO {Readable.Duration(recovered.RtoSeconds)}, "
            + (recovered.HasWrites ? "written to since" : "not written to yet"), width)));
        rows.AddRange(Disks("disk", recovered.Disks, width));
    }
}
