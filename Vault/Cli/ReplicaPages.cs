using System.Text.Json.Nodes;
using ReplicationEngine.DataPlane.Replicas;
using ReplicationEngine.Vault.Contracts;
using ReplicationEngine.Vault.Replicas;

namespace ReplicationEngine.Vault.Cli;

/// <summary>The results of <c>drctl replica</c>, as JSON and as lines of text.</summary>
internal static class ReplicaPages
{
    public static string Names(IReadOnlyList<ReplicaDirectory> replicas) => replicas.Count == 0
        ? "none" : string.Join(", ", replicas.Select(r => $"'{r.Vm}'"));

    public static JsonObject Json(IReadOnlyList<ReplicaListing> replicas) => new()
    {
        ["replicas"] = new JsonArray([.. replicas.Select(r => new JsonObject
        {
            ["vm"] = r.Vm,
            ["phase"] = r.Phase,
            ["agent"] = r.Agent,
            ["storedBytes"] = r.StoredBytes,
            ["machine"] = r.HasMachine,
            ["problem"] = r.Problem,
            ["disks"] = new JsonArray([.. r.Disks.Select(d => new JsonObject
            {
                ["path"] = d.Path,
                ["sizeBytes"] = d.SizeBytes,
            })]),
            ["points"] = new JsonArray([.. r.Points.Select(Json)]),
        })]),
    };

    public static JsonObject Json(IReadOnlyList<VerifiedPoint> points) => new()
    {
        ["sound"] = points.All(p => p.IsSound),
        ["points"] = new JsonArray([.. points.Select(p => new JsonObject
        {
            ["vm"] = p.Vm,
            ["id"] = p.Point.Id.ToString(),
            ["time"] = p.Point.Time.UtcDateTime.ToString("O"),
            ["sound"] = p.IsSound,
            ["reason"] = p.Why,
            ["readBytes"] = p.Report.BytesRead,
        })]),
    };

    public static JsonObject Json(IReadOnlyList<ShownDisk> disks) => new()
    {
        ["disks"] = new JsonArray([.. disks.Select(d => new JsonObject
        {
            ["vm"] = d.Vm,
            ["point"] = d.Point,
            ["time"] = d.Time?.UtcDateTime.ToString("O"),
            ["path"] = d.Path,
            ["sizeBytes"] = d.SizeBytes,
            ["uri"] = d.Uri,
        })]),
    };

    public static IEnumerable<string> Lines(IReadOnlyList<ReplicaListing> replicas)
    {
        foreach (var replica in replicas)
        {
            yield return $"{replica.Vm}  {Readable.Bytes(replica.StoredBytes)} stored"
                + (replica.Phase is { } phase ? $", last {phase}" : "")
                + (replica.Agent is { } agent ? $", agent {agent}" : "")
                + (replica.HasMachine ? ", with a failed-over machine (`--point live`)" : "");
            foreach (var disk in replica.Disks)
            {
                yield return $"  disk  {Readable.Bytes(disk.SizeBytes),9}  {disk.Path}";
            }

            foreach (var point in replica.Points.Reverse())
            {
                yield return $"  point {point.Id}  {Readable.Time(point.Time)}  {Kind(point)}  {Grade(point)}"
                    + (point.UnusableBecause is { } why ? $"  unusable: {why}" : "");
            }
        }
    }

    public static IEnumerable<string> Lines(IReadOnlyList<VerifiedPoint> points) => points.Select(p =>
        $"{p.Vm}  {p.Point.Id}  {Readable.Time(p.Point.Time)}  {(p.IsSound ? "sound" : $"damaged: {p.Why}")}");

    public static IEnumerable<string> Lines(IReadOnlyList<ShownDisk> disks)
    {
        foreach (var disk in disks)
        {
            yield return $"{disk.Vm}  {disk.Path}  at {(disk.Time is { } time ? Readable.Time(time) : disk.Point)} "
                + disk.Uri;
        }

        yield return "Read-only; press Ctrl-C to stop.";
    }

    private static JsonObject Json(RecoveryPoint point) => new()
    {
        ["id"] = point.Id.ToString(),
        ["time"] = point.Time.UtcDateTime.ToString("O"),
        ["kind"] = Kind(point),
        ["grade"] = Grade(point),
        ["generation"] = point.Cut.Generation.Value,
        ["lsn"] = point.Cut.Lsn.Value,
        ["usable"] = point.Usable,
        ["reason"] = point.UnusableBecause,
    };

    private static string Kind(RecoveryPoint point) => ApiText.Of(point.Kind);

    private static string Grade(RecoveryPoint point) => ApiText.Of(point.Grade);
}
