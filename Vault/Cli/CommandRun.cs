using System.CommandLine;
using System.Text.Json;
using ReplicationEngine.Vault.Contracts;
using ReplicationEngine.Vault.Contracts.Operations;
using Spectre.Console.Rendering;

namespace ReplicationEngine.Vault.Cli;

/// <summary>
/// A run of a client command: the parsed command line, the service's client, and the writing of results.
/// </summary>
internal sealed class CommandRun(ParseResult parsed, ClientOptions options, CliSurroundings surroundings) : IDisposable
{
    private static readonly TimeSpan s_outcomePatience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_outcomePause = TimeSpan.FromSeconds(1);

    /// <summary>The parsed command line.</summary>
    public ParseResult Parsed { get; } = parsed;

    /// <summary>The surroundings of the process.</summary>
    public CliSurroundings Surroundings { get; } = surroundings;

    /// <summary>The client of the service.</summary>
    public VaultClient Client { get; } =
        new(options.ServerOf(parsed, surroundings), options.TokenOf(parsed, surroundings));

    /// <summary>Whether the result is printed as JSON.</summary>
    public bool Json => Parsed.GetValue(options.Json);

    /// <summary>Whether the command returns before the work is done.</summary>
    public bool NoWait => Parsed.GetValue(options.NoWait);

    /// <summary>The job that this run started, for the message printed on Ctrl-C; null before that.</summary>
    public JobStarted? Started { get; private set; }

    /// <summary>The VM that the command names.</summary>
    public string Vm => InputText.VmName(Parsed.GetRequiredValue(options.Vm));

    /// <summary>
    /// Starts an operation that becomes a job and returns the job's id. A repetition of the request has no further
    /// effect.
    /// </summary>
    public async Task<string> StartAsync(
        string vm, VmOperation operation, OperationArguments arguments, CancellationToken cancellationToken) =>
        await TryStartAsync(vm, operation, arguments, cancellationToken)
            ?? throw CommandFailedException.Refused(
                $"{vm}: the server started no job for '{operation.Name}'; update the older of client and server.");

    /// <summary>
    /// Starts an operation and returns its job's id; null when the operation completed immediately, without a job.
    /// </summary>
    public async Task<string?> TryStartAsync(
        string vm, VmOperation operation, OperationArguments arguments, CancellationToken cancellationToken)
    {
        var accepted = await UntilKnownAsync(
            vm, operation, arguments with { CommandId = Surroundings.NewCommandId() }, cancellationToken);
        Started = accepted.JobId is { } job ? new JobStarted(vm, operation.Name, job) : null;
        return accepted.JobId;
    }

    // A service under load, or one whose journal is in trouble, may not know yet whether the command took effect.
    private async Task<OperationAccepted> UntilKnownAsync(
        string vm, VmOperation operation, OperationArguments arguments, CancellationToken cancellationToken)
    {
        var began = Surroundings.Time.GetTimestamp();
        var told = false;
        while (true)
        {
            try
            {
                return await Client.StartAsync(vm, operation, arguments, cancellationToken);
            }
            catch (CommandFailedException e) when (
                e.OutcomeUnknown && Surroundings.Time.GetElapsedTime(began) < s_outcomePatience)
            {
                if (!told)
                {
                    Surroundings.Error.WriteLine(Readable.Plain($"{vm}: {e.Message} Asking again."));
                    told = true;
                }
            }

            await Task.Delay(s_outcomePause, Surroundings.Time, cancellationToken);
        }
    }

    /// <summary>Waits for another job of the VM, one that followed the started job.</summary>
    public Task<WaitState> WaitForAsync(
        JobView job, Func<WaitState, bool> done, string missing, CancellationToken cancellationToken)
    {
        Started = new JobStarted(job.Vm, job.Kind, job.Id);
        return WaitAsync(done, missing, cancellationToken);
    }

    /// <summary>Waits for the started job.</summary>
    public Task<WaitState> WaitAsync(Func<WaitState, bool> done, string missing, CancellationToken cancellationToken) =>
        new JobWait(Client, Surroundings).UntilAsync(Started!.Vm, Started.JobId, done, missing, cancellationToken);

    /// <summary>Writes the result: one line of JSON, or the page that <paramref name="page"/> makes of it.</summary>
    public void Answer<T>(T result, Func<T, IRenderable> page)
    {
        if (Json)
        {
            WriteJson(result);
        }
        else
        {
            Pages.Write(Surroundings, page(result));
        }
    }

    /// <summary>Writes the result: one line of JSON, or lines that no terminal width breaks.</summary>
    public void Answer<T>(T result, Func<T, IEnumerable<string>> lines)
    {
        if (Json)
        {
            WriteJson(result);
            return;
        }

        foreach (var line in lines(result))
        {
            Surroundings.Out.WriteLine(Readable.Plain(line));
        }
    }

    /// <summary>Writes one line of JSON.</summary>
    public void WriteJson<T>(T result) =>
        Surroundings.Out.WriteLine(JsonSerializer.Serialize(result, CliJson.For<T>()));

    /// <inheritdoc/>
    public void Dispose() => Client.Dispose();
}

/// <summary>A job that continues in the service, whether it is watched or not.</summary>
internal sealed record JobStarted(string Vm, string Operation, string JobId);
