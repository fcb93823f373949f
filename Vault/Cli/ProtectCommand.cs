using System.CommandLine;
using ReplicationEngine.Vault.Contracts.Operations;

namespace ReplicationEngine.Vault.Cli;

/// <summary>
/// <c>drctl protect</c>: prints the URIs for attaching the machine, at once or after the initial replication.
/// </summary>
internal static class ProtectCommand
{
    private const string NotServed =
        "the disks are not served, so the machine cannot be attached; check that the agent is connected with "
            + "`drctl agents`.";

    /// <summary>Returns the command <c>drctl protect</c>.</summary>
    public static Command Make(ClientCommands commands)
    {
        var disk = new Option<string[]>("--disk")
        {
            HelpName = "PATH",
            Description = "A disk on the agent's machine: a raw image file or a block device; repeatable",
            Required = true,
            AllowMultipleArgumentsPerToken = true,
        };
        var agent = Text("--agent", "NAME",
            "The agent on the machine that has the disks (default: the only connected agent)");
        var scenario = Text("--scenario", "ID", "The protection scenario (default: SCN-1)");
        var policy = Text("--policy", "NAME", "The replication policy (default: default)");
        var raw = new Option<bool>("--raw")
        {
            Description = "Treat a qcow2, vmdk, vdi, vhd or vhdx image as raw bytes instead of refusing it",
        };
        var print = AttachSnippets.Option();
        return commands.Operation(
            VmOperations.Protect.Name, VmOperations.Protect.Help,
            [disk, agent, scenario, policy, raw, print],
            (run, cancellationToken) =>
            {
                var defaults = new ProtectArguments();
                var arguments = defaults with
                {
                    Disks = [.. run.Parsed.GetRequiredValue(disk).Select(path => Absolute(run, path))],
                    Agent = run.Parsed.GetValue(agent),
                    Scenario = run.Parsed.GetValue(scenario) ?? defaults.Scenario,
                    Policy = run.Parsed.GetValue(policy) ?? defaults.Policy,
                    Raw = run.Parsed.GetValue(raw),
                };
                return RunAsync(run, arguments, run.Parsed.GetValue(print), cancellationToken);
            });
    }

    private static async Task RunAsync(
        CommandRun run, ProtectArguments arguments, string? print, CancellationToken cancellationToken)
    {
        UriCommand.OneFormOnly(run, print);
        var jobId = await run.StartAsync(run.Vm, VmOperations.Protect, arguments, cancellationToken);
        var noWait = run.NoWait;
        var state = await run.WaitAsync(
            s => (noWait || s.Ended) && OperationCommands.AllServed(s.Vm?.Source.Disks), NotServed, cancellationToken);
        if (!noWait && state.Vm!.Jobs.FirstOrDefault(job => job.Kind == VmOperations.InitialReplication) is { } copying)
        {
            state = await run.WaitForAsync(
                copying, s => s.Ended && OperationCommands.AllServed(s.Vm?.Source.Disks), NotServed, cancellationToken);
        }

        var vm = state.Vm!;
        if (print is not null)
        {
            UriCommand.Print(run, print, vm.Source.Disks);
            return;
        }

        if (!run.Json)
        {
            run.Surroundings.Error.WriteLine(Readable.Plain(
                $"note: `drctl uri {vm.Vm} --print libvirt|qemu|nbd-client` prints a configuration that lets the VM "
                + "survive a restart of the agent."));
        }

        run.Answer(
            new ProtectResult(vm.Vm, vm.Source.Disks, vm.Phase, vm.Health, jobId, state.Job.State),
            r => [$"{r.Vm}: {r.Phase}; attach the machine to", .. OperationCommands.DiskLines(r.Disks)]);
    }

    // The agent may run in another directory, so a relative path is made absolute here.
    private static string Absolute(CommandRun run, string path) => path.Length == 0
        ? throw CommandFailedException.Usage(
            "'' is not the path of a disk; name a file or a block device on the agent's machine.")
        : Path.GetFullPath(path, run.Surroundings.CurrentDirectory);

    private static Option<string?> Text(string name, string value, string description) =>
        new(name) { HelpName = value, Description = description };
}
