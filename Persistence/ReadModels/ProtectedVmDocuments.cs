// What is read of protected VMs, as documents. Ids begin with what they are listed by; numbers in them have 19 digits,
// so that their order as texts is that of the numbers.
//
//   vm            vault|vm                       its state, and which event it is after
//   vm-of-agent   vault|agent|vm                 the VMs of an agent
//   job           vault|vm|number                every job there ever was
//   job-by-time   vault|ticks|vm|number          the same by when it began
//   audit         vault|ticks|vm|sequence        what a user asked for and was accepted, by when
//   audit-of-vm   vault|vm|sequence              the same by VM
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

/// <summary>A protected VM as it stood after an event.</summary>
/// <param name="Id">vault|vm.</param>
/// <param name="Vm">The VM's name.</param>
/// <param name="Sequence">The event.</param>
/// <param name="State">The state, in the form of its snapshots.</param>
/// <param name="Trouble">Why later events could not be read; null while all is well.</param>
public sealed record VmDocument(string Id, string Vm, long Sequence, string State, string? Trouble)
    : IDocument<VmDocument>
{
    private static readonly ProtectedVmCodec s_codec = new();

    /// <inheritdoc/>
    public static string Kind => "vm";

    /// <inheritdoc/>
    public static JsonTypeInfo<VmDocument> Form => VmDocumentsJson.Default.VmDocument;

    /// <summary>The id of a VM's document.</summary>
    public static string IdOf(string vault, string vm) => $"{vault}|{vm}";

    /// <summary>A VM's document.</summary>
    public static VmDocument Of(string vault, string vm, long sequence, ProtectedVmState state) =>
        new(IdOf(vault, vm), vm, sequence, Encoding.UTF8.GetString(s_codec.EncodeState(state)), null);

    /// <summary>Reads the state.</summary>
    public ProtectedVmState Read() => s_codec.DecodeState(Encoding.UTF8.GetBytes(State));
}

/// <summary>Says that a VM is one of an agent's.</summary>
/// <param name="Id">vault|agent|vm.</param>
/// <param name="Vm">The VM's name.</param>
public sealed record VmOfAgentDocument(string Id, string Vm) : IDocument<VmOfAgentDocument>
{
    /// <inheritdoc/>
    public static string Kind => "vm-of-agent";

    /// <inheritdoc/>
    public static JsonTypeInfo<VmOfAgentDocument> Form => VmDocumentsJson.Default.VmOfAgentDocument;

    /// <summary>What the ids of an agent's VMs begin with.</summary>
    public static string PrefixOf(string vault, string agent) => $"{vault}|{agent}|";
}

/// <summary>A job of a VM.</summary>
/// <param name="Id">vault|vm|number.</param>
/// <param name="Vm">The VM's name.</param>
/// <param name="Number">The job's number within the VM.</param>
/// <param name="What">What it does.</param>
/// <param name="Actor">Who asked for it.</param>
/// <param name="Steps">Its steps.</param>
/// <param name="Outcome">How it stands.</param>
/// <param name="Error">The last error with its remedy; null when there was none.</param>
public sealed record JobDocument(
    string Id, string Vm, long Number, JobKind What, string Actor, IReadOnlyList<JobStep> Steps, JobOutcome Outcome,
    string? Error) : IDocument<JobDocument>
{
    /// <inheritdoc/>
    public static string Kind => "job";

    /// <inheritdoc/>
    public static JsonTypeInfo<JobDocument> Form => VmDocumentsJson.Default.JobDocument;

    /// <summary>The id of a job's document.</summary>
    public static string IdOf(string vault, string vm, long number) => $"{vault}|{vm}|{Digits.Of(number)}";

    /// <summary>A job's document.</summary>
    public static JobDocument Of(string vault, string vm, Job job) => new(
        IdOf(vault, vm, job.Id), vm, job.Id, job.Kind, job.Actor, [.. job.Steps], job.Outcome, job.Error);

    /// <summary>The job.</summary>
    public Job Read() => new(Number, What, Actor, Steps.ToValueList(), Outcome, Error);
}

/// <summary>A job by when it began.</summary>
/// <param name="Id">vault|ticks|vm|number.</param>
/// <param name="Job">The job.</param>
public sealed record JobByTimeDocument(string Id, JobDocument Job) : IDocument<JobByTimeDocument>
{
    /// <inheritdoc/>
    public static string Kind => "job-by-time";

    /// <inheritdoc/>
    public static JsonTypeInfo<JobByTimeDocument> Form => VmDocumentsJson.Default.JobByTimeDocument;

    /// <summary>The id of a job's document.</summary>
    public static string IdOf(string vault, DateTimeOffset started, string vm, long number) =>
        $"{vault}|{Digits.Of(started.UtcTicks)}|{vm}|{Digits.Of(number)}";
}

/// <summary>What somebody asked for and was accepted.</summary>
/// <param name="Id">vault|ticks|vm|sequence.</param>
/// <param name="Time">When it was decided (UTC).</param>
/// <param name="Vm">The VM.</param>
/// <param name="Actor">Who asked.</param>
/// <param name="Command">The command's stored name.</param>
/// <param name="CommandId">Its id.</param>
/// <param name="Sequence">The last event it led to.</param>
public sealed record AuditDocument(
    string Id, DateTimeOffset Time, string Vm, string Actor, string Command, Guid CommandId, long Sequence)
    : IDocument<AuditDocument>
{
    /// <inheritdoc/>
    public static string Kind => "audit";

    /// <inheritdoc/>
    public static JsonTypeInfo<AuditDocument> Form => VmDocumentsJson.Default.AuditDocument;

    /// <summary>The id of a document.</summary>
    public static string IdOf(string vault, DateTimeOffset time, string vm, long sequence) =>
        $"{vault}|{Digits.Of(time.UtcTicks)}|{vm}|{Digits.Of(sequence)}";
}

/// <summary>What somebody asked of a VM.</summary>
/// <param name="Id">vault|vm|sequence.</param>
/// <param name="Entry">The entry.</param>
public sealed record AuditOfVmDocument(string Id, AuditDocument Entry) : IDocument<AuditOfVmDocument>
{
    /// <inheritdoc/>
    public static string Kind => "audit-of-vm";

    /// <inheritdoc/>
    public static JsonTypeInfo<AuditOfVmDocument> Form => VmDocumentsJson.Default.AuditOfVmDocument;

    /// <summary>The id of a document.</summary>
    public static string IdOf(string vault, string vm, long sequence) => $"{vault}|{vm}|{Digits.Of(sequence)}";
}

/// <summary>Numbers whose order as texts is theirs.</summary>
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
