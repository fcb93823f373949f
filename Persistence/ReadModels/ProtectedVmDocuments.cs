// The read model of protected VMs, as documents. Ids begin with the key by which they are listed; numbers in them have
// 19 digits, so that their order as texts is that of the numbers.
//
//   vm            vault|vm                       the VM's state, and the event that it includes
//   vm-of-agent   vault|agent|vm                 the VMs of an agent
//   job           vault|vm|number                every job there ever was
//   job-by-time   vault|ticks|vm|number          every job by its start time
//   audit         vault|ticks|vm|sequence        accepted requests of users, by time
//   audit-of-vm   vault|vm|sequence              accepted requests of users, by VM
using System.Globalization;
using System.Text;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using ReplicationEngine.Actors.Projections;
using ReplicationEngine.Engine.Jobs;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Persistence.Serialization.ProtectedVms;

namespace ReplicationEngine.Persistence.ReadModels;

/// <summary>A protected VM's state after an event.</summary>
/// <param name="Id">The document's id: vault|vm.</param>
/// <param name="Vm">The VM's name.</param>
/// <param name="Sequence">The number of the last event that the state includes.</param>
/// <param name="State">The state in the form of its snapshots.</param>
/// <param name="Trouble">Why later events could not be read; null while there is no problem.</param>
public sealed record VmDocument(string Id, string Vm, long Sequence, string State, string? Trouble)
    : IDocument<VmDocument>
{
    private static readonly ProtectedVmCodec s_codec = new();

    /// <inheritdoc/>
    public static string Kind => "vm";

    /// <inheritdoc/>
    public static JsonTypeInfo<VmDocument> Form => VmDocumentsJson.Default.VmDocument;

    /// <summary>Returns the id of a VM's document.</summary>
    public static string IdOf(string vault, string vm) => $"{vault}|{vm}";

    /// <summary>Creates a VM's document.</summary>
    public static VmDocument Of(string vault, string vm, long sequence, ProtectedVmState state) =>
        new(IdOf(vault, vm), vm, sequence, Encoding.UTF8.GetString(s_codec.EncodeState(state)), null);

    /// <summary>Decodes the state.</summary>
    public ProtectedVmState Read() => s_codec.DecodeState(Encoding.UTF8.GetBytes(State));
}

/// <summary>An index entry of a VM by its agent.</summary>
/// <param name="Id">The document's id: vault|agent|vm.</param>
/// <param name="Vm">The VM's name.</param>
public sealed record VmOfAgentDocument(string Id, string Vm) : IDocument<VmOfAgentDocument>
{
    /// <inheritdoc/>
    public static string Kind => "vm-of-agent";

    /// <inheritdoc/>
    public static JsonTypeInfo<VmOfAgentDocument> Form => VmDocumentsJson.Default.VmOfAgentDocument;

    /// <summary>Returns the prefix of the ids of an agent's VMs.</summary>
    public static string PrefixOf(string vault, string agent) => $"{vault}|{agent}|";
}

/// <summary>A job of a VM.</summary>
/// <param name="Id">The document's id: vault|vm|number.</param>
/// <param name="Vm">The VM's name.</param>
/// <param name="Number">The job's number within the VM.</param>
/// <param name="What">The operation that the job performs.</param>
/// <param name="Actor">The user or component that requested the job.</param>
/// <param name="Steps">The job's steps.</param>
/// <param name="Outcome">The job's outcome.</param>
/// <param name="Error">The last error with its remedy; null when there was none.</param>
public sealed record JobDocument(
    string Id, string Vm, long Number, JobKind What, string Actor, IReadOnlyList<JobStep> Steps, JobOutcome Outcome,
    string? Error) : IDocument<JobDocument>
{
    /// <inheritdoc/>
    public static string Kind => "job";

    /// <inheritdoc/>
    public static JsonTypeInfo<JobDocument> Form => VmDocumentsJson.Default.JobDocument;

    /// <summary>Returns the id of a job's document.</summary>
    public static string IdOf(string vault, string vm, long number) => $"{vault}|{vm}|{Digits.Of(number)}";

    /// <summary>Creates a job's document.</summary>
    public static JobDocument Of(string vault, string vm, Job job) => new(
        IdOf(vault, vm, job.Id), vm, job.Id, job.Kind, job.Actor, [.. job.Steps], job.Outcome, job.Error);

    /// <summary>Returns the job.</summary>
    public Job Read() => new(Number, What, Actor, Steps.ToValueList(), Outcome, Error);
}

/// <summary>A job, listed by its start time.</summary>
/// <param name="Id">The document's id: vault|ticks|vm|number.</param>
/// <param name="Job">The job.</param>
public sealed record JobByTimeDocument(string Id, JobDocument Job) : IDocument<JobByTimeDocument>
{
    /// <inheritdoc/>
    public static string Kind => "job-by-time";

    /// <inheritdoc/>
    public static JsonTypeInfo<JobByTimeDocument> Form => VmDocumentsJson.Default.JobByTimeDocument;

    /// <summary>Returns the id of a job's document.</summary>
    public static string IdOf(string vault, DateTimeOffset started, string vm, long number) =>
        $"{vault}|{Digits.Of(started.UtcTicks)}|{vm}|{Digits.Of(number)}";
}

/// <summary>An accepted request of a user.</summary>
/// <param name="Id">The document's id: vault|ticks|vm|sequence.</param>
/// <param name="Time">When the request was decided (UTC).</param>
/// <param name="Vm">The VM's name.</param>
/// <param name="Actor">The user who sent the request.</param>
/// <param name="Command">The stored name of the command.</param>
/// <param name="CommandId">The id of the command.</param>
/// <param name="Sequence">The number of the command's last event.</param>
public sealed record AuditDocument(
    string Id, DateTimeOffset Time, string Vm, string Actor, string Command, Guid CommandId, long Sequence)
    : IDocument<AuditDocument>
{
    /// <inheritdoc/>
    public static string Kind => "audit";

    /// <inheritdoc/>
    public static JsonTypeInfo<AuditDocument> Form => VmDocumentsJson.Default.AuditDocument;

    /// <summary>Returns the id of a request's document.</summary>
    public static string IdOf(string vault, DateTimeOffset time, string vm, long sequence) =>
        $"{vault}|{Digits.Of(time.UtcTicks)}|{vm}|{Digits.Of(sequence)}";
}

/// <summary>An accepted request of a user, listed by VM.</summary>
/// <param name="Id">The document's id: vault|vm|sequence.</param>
/// <param name="Entry">The audit entry.</param>
public sealed record AuditOfVmDocument(string Id, AuditDocument Entry) : IDocument<AuditOfVmDocument>
{
    /// <inheritdoc/>
    public static string Kind => "audit-of-vm";

    /// <inheritdoc/>
    public static JsonTypeInfo<AuditOfVmDocument> Form => VmDocumentsJson.Default.AuditOfVmDocument;

    /// <summary>Returns the id of a request's document.</summary>
    public static string IdOf(string vault, string vm, long sequence) => $"{vault}|{vm}|{Digits.Of(sequence)}";
}

/// <summary>Formats numbers as texts whose order is that of the numbers.</summary>
internal static class Digits
{
    public static string Of(long number) => number.ToString("d19", CultureInfo.InvariantCulture);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(VmDocument))]
[JsonSerializable(typeof(VmOfAgentDocument))]
[JsonSerializable(typeof(JobDocument))]
[JsonSerializable(typeof(JobByTimeDocument))]
[JsonSerializable(typeof(AuditDocument))]
[JsonSerializable(typeof(AuditOfVmDocument))]
internal sealed partial class VmDocumentsJson : JsonSerializerContext;
