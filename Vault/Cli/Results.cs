using System.Text.Json.Serialization;
using ReplicationEngine.Vault.Contracts;

namespace ReplicationEngine.Vault.Cli;

/// <summary>The JSON result of <c>protect</c>: each disk with the URI for attaching the machine.</summary>
internal sealed record ProtectResult(
    string Vm, IReadOnlyList<DiskView> Disks, string Phase, string Health, string JobId, string State);

/// <summary>
/// The JSON result of <c>failover</c> and <c>change-point</c>: the recovered disks, the point they show, and the
/// RPO and RTO achieved. With <c>--no-wait</c> only the VM and the job are known.
/// </summary>
internal sealed record FailoverResult(
    string Vm, IReadOnlyList<DiskView> Disks, PointView Point, double RpoSeconds, double RtoSeconds, string Kind,
        string Phase,
    string JobId);

/// <summary>
/// The JSON result of <c>uri</c>: the disks of a VM's machine, which is <c>source</c>, <c>recovered</c> or <c>test</c>.
/// </summary>
internal sealed record UriResult(string Vm, string Machine, IReadOnlyList<DiskView> Disks);

/// <summary>The JSON result of <c>point</c>: the recovery point that was made.</summary>
internal sealed record PointResult(string Vm, PointView Point, string JobId);

/// <summary>The JSON result of every other operation, and of all operations with <c>--no-wait</c>.</summary>
/// <param name="Vm">The VM.</param>
/// <param name="Operation">The operation's name in the API.</param>
/// <param name="JobId">The operation's job.</param>
/// <param name="State">The job's state.</param>
/// <param name="Phase">The VM's phase now; absent when it was not read, <c>disabled</c> when the VM is gone.</param>
/// <param name="Health">The VM's health now; absent when the phase is absent.</param>
/// <param name="Seconds">The duration of the job in seconds; absent while it runs.</param>
/// <param name="Disks">The source's disks, for operations that bring the source back; absent otherwise.</param>
internal sealed record OperationResult(
    string Vm, string Operation, string? JobId, string State,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Phase = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Health = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] double? Seconds = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyList<DiskView>? Disks = null);
