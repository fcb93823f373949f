using System.ComponentModel;
using System.Diagnostics;

namespace ReplicationEngine.Agent.Hooks;

/// <summary>
/// Freezes and thaws a VM's applications around the instant of an application-consistent point (RCP-2): runs
/// <c>DIR/freeze VM</c> and <c>DIR/thaw VM</c>. If the freeze fails or takes longer than the limit, the applications
/// are thawed and the failure is reported, so the point becomes crash-consistent and no workload hangs (RCP-3, I10).
/// <c>DIR/stop VM</c> stops the machine before a planned failover.
/// </summary>
internal sealed class ApplicationHooks(string? directory, TimeProvider time)
{
    /// <summary>The hook that stops a machine before a planned failover (B8).</summary>
    public const string Stop = "stop";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(90);

    /// <summary>Whether a directory of hooks was given.</summary>
    public bool Exist => directory is not null;

    /// <summary>
    /// Freezes the applications, runs the action and thaws the applications. Returns the action's result and, if the
    /// applications were not frozen, the reason.
    /// </summary>
    public async Task<(T Result, string? Warning)> AroundAsync<T>(
        string vm, Func<bool, T> action, CancellationToken cancellationToken)
    {
        if (directory is null)
        {
            return (action(false), "this agent has no hooks (--hooks DIR), so the applications were not frozen");
        }

        if (await RunAsync("freeze", vm, cancellationToken) is { } failure)
        {
            var thawed = await RunAsync("thaw", vm, CancellationToken.None);
            return (action(false), thawed is null ? failure : $"{failure}; {thawed}");
        }

        try
        {
            var result = action(true);
            return (result, await RunAsync("thaw", vm, CancellationToken.None));
        }
        catch
        {
            await RunAsync("thaw", vm, CancellationToken.None);
            throw;
        }
    }

    /// <summary>Whether there is a hook of this name.</summary>
    public bool Has(string hook) => directory is not null && File.Exists(Path.Combine(directory, hook));

    /// <summary>
    /// Runs <c>DIR/stop VM</c>, which returns when the machine has stopped. Returns the reason if the machine was not
    /// stopped, otherwise null.
    /// </summary>
    public Task<string?> StopAsync(string vm, CancellationToken cancellationToken) =>
        RunAsync(Stop, vm, StopLimit, cancellationToken);

    private Task<string?> RunAsync(string hook, string vm, CancellationToken cancellationToken) =>
        RunAsync(hook, vm, Limit, cancellationToken);

    private async Task<string?> RunAsync(
        string hook, string vm, TimeSpan limit, CancellationToken cancellationToken)
    {
        var path = Path.Combine(directory!, hook);
        try
        {
            using var process = Process.Start(new ProcessStartInfo(path, [vm]) { UseShellExecute = false })!;
            using var deadline = new CancellationTokenSource(limit, time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
            try
            {
                await process.WaitForExitAsync(either.Token);
                return process.ExitCode == 0 ? null : $"'{path} {vm}' ended with exit code {process.ExitCode}";
            }
            catch (OperationCanceledException)
            {
                process.Kill(entireProcessTree: true);
                return $"'{path} {vm}' was killed after {limit.TotalSeconds:0} s";
            }
        }
        catch (Win32Exception e)
        {
            return $"'{path}' could not be started: {e.Message}";
        }
    }
}
