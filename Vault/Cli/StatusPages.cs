using ReplicationEngine.Vault.Api;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace ReplicationEngine.Vault.Cli;

/// <summary><c>drctl status</c>: all VMs as a table, or one as a page.</summary>
internal static class StatusPages
{
    /// <summary>One row for each VM.</summary>
    public static IRenderable Table(IReadOnlyList<VmView> vms, DateTimeOffset now)
    {
        if (vms.Count == 0)
        {
            return Pages.Line("No VM is protected yet; begin with `drctl protect NAME --disk PATH`.");
        }

        var table = Pages.Table("VM", "PHASE", "HEALTH", "LAG", "PROGRESS", "POINTS", "NEWEST POINT", "SOURCE");
        foreach (var vm in vms)
        {
            table.With(
                vm.Vm, vm.Phase, vm.Health, Lag(vm), vm.Progress is { } p ? $"{p.What} {Readable.Percent(p.Percent)}"
                    : "–",
                $"{vm.Points.Count}", vm.Points.Newest is { } point ? Ago(point.Time, now) : "–",
                $"{vm.Source.Role} on {vm.Source.Agent}{(vm.Source.Connected ? string.Empty : " (not connected)")}");
        }

        return table;
    }

    /// <summary>Everything about one VM.</summary>
    public static IRenderable Page(VmView vm, DateTimeOffset now)
    {
        var rows = new List<IRenderable>
        {
            Pages.Line($"{vm.Vm}: {vm.Phase}, health {vm.Health}", Pages.HealthStyle(vm.Health)),
        };
        foreach (var cause in vm.Causes)
        {
            var remedy = cause.Remedy is { Length: > 0 } text ? $" → {text}" : string.Empty;
            rows.Add(Pages.Line(
                $"  {cause.Severity}: {cause.Message} ({cause.Code}, since {Readable.Time(cause.Since)}){remedy}",
                Pages.HealthStyle(cause.Severity)));
        }

        if (vm.Progress is { } progress)
        {
            rows.Add(Pages.Line(
                $"  {progress.What} {Readable.Bar(progress.Percent, 30)} {WaitState.ProgressText(progress)}, "
                + $"{Readable.Bytes(progress.WireBytes)} on the wire"));
        }

        rows.Add(Facts(vm, now));
        rows.Add(Disks("DISK", vm.Source.Disks));
        Recovered(rows, "Recovered machine", vm.Recovered);
        Recovered(rows, "Test failover", vm.Test);
        if (vm.Jobs.Count > 0)
        {
            rows.Add(Pages.Heading("Jobs"));
            rows.Add(JobsPage.Timeline(vm.Jobs, now));
        }

        return new Rows(rows);
    }

    /// <summary>How far the other side is behind.</summary>
    public static string Lag(VmView vm) =>
        $"{Readable.Bytes(vm.LagBytes)}, "
            + $"{(vm.LagSeconds is { } seconds ? Readable.Duration(seconds) : "age not known")}";

    /// <summary>How long ago an instant was.</summary>
    public static string Ago(DateTimeOffset time, DateTimeOffset now) =>
        $"{Readable.Duration(Math.Max(0, (now - time).TotalSeconds))} ago";

    private static Grid Facts(VmView vm, DateTimeOffset now)
    {
        var source = vm.Source;
        var next = vm.Next;
        var settings = vm.Settings;
        var grid = new Grid().AddColumn(new GridColumn { NoWrap = true,
            Padding = new Padding(2, 0, 2, 0) }).AddColumn();
        void Add(string name, string value) => grid.AddRow(new Text(name), new Text(Readable.Plain(value)));
        Add("lag", Lag(vm));
        Add("next run", $"{next.Mode}, {Readable.Bytes(next.Bytes)}"
            + $"{(next.Seconds is { } seconds ? $", about {Readable.Duration(seconds)}" : string.Empty)}: {next.Why}");
        Add("source", $"{source.Role} on {source.Agent}, {(source.Connected ? "connected" : "not connected")}, "
            + $"capture {source.Capture}, generation {source.Generation}, LSN {source.Lsn}");
        Add("waiting", $"{Readable.Bytes(source.CacheBytes)} in the cache, {Readable.Bytes(source.DirtyBytes)} in "
            + $"the dirty map");
        Add("sent", $"{Readable.Bytes(source.WireBytes)} on the wire for {Readable.Bytes(source.ChangedBytes)} "
            + $"changed{(source.CountedSince is { } since ? $", since {Readable.Time(since)}" : string.Empty)}");
        Add("settings", $"{settings.Scenario}, policy {settings.Policy}, points kept "
            + $"{Readable.Duration(settings.RetentionHours * 3600)}, "
            + $"application-consistent {AppEvery(settings)}, term {settings.Term}");
        Add("points", vm.Points.Newest is { } newest
            ? $"{vm.Points.Count}, newest {newest.Kind} {Readable.Time(newest.Time)} ({Ago(newest.Time, now)})"
            : $"{vm.Points.Count}");
        Add("on offer", vm.Operations.Count == 0 ? "nothing now" : string.Join(", ", vm.Operations));
        return grid;
    }

    private static string AppEvery(SettingsView settings) =>
        settings.AppConsistentHours > 0 ? $"every {Readable.Duration(settings.AppConsistentHours * 3600)}"
            : "on demand";

    private static Table Disks(string title, IReadOnlyList<DiskView> disks)
    {
        var table = Pages.Table(title, "SIZE", "NBD URI");
        foreach (var disk in disks)
        {
            table.With(disk.Path, Readable.Bytes(disk.SizeBytes), disk.Uri ?? "not served");
        }

        return table;
    }

    private static void Recovered(List<IRenderable> rows, string title, RecoveredView? recovered)
    {
        if (recovered is null)
        {
            return;
        }

        rows.Add(Pages.Heading(title));
        rows.Add(Pages.Line(
            $"  {recovered.Point.Kind} point {recovered.Point.Id} of {Readable.Time(recovered.Point.Time)}, "
            + $"RPO {Readable.Duration(recovered.RpoSeconds)}, RTO {Readable.Duration(recovered.RtoSeconds)}, "
            + (recovered.HasWrites ? "written to since" : "not written to yet")));
        rows.Add(Disks("RECOVERED DISK", recovered.Disks));
    }
}
