using ReplicationEngine.Chaos.Sites;
using ReplicationEngine.Chaos.Witness.Processes;

namespace ReplicationEngine.Chaos.Runs;

/// <summary>
/// A second agent that takes the agent's name, as a copied machine does, and tries to protect disks under other names
/// that are protected already. Both attempts are refused. Other checks cover the real agent and its guests, which
/// continue.
/// </summary>
internal sealed class Stranger : IDisposable
{
    private ChildProcess? _agent;
    private string _data = "";

    /// <summary>Starts the second agent.</summary>
    public void Start(TwoSites sites)
    {
        _data = Path.Combine(sites.Root, "stranger");
        _agent = sites.StartStranger(_data);
    }

    /// <summary>Tries to protect disks under other names, and checks that the second agent is refused.</summary>
    public async Task JudgeAsync(Scene scene)
    {
        foreach (var machine in scene.Machines)
        {
            var alias = Path.Combine(scene.Sites.Source, machine.Name + "-alias");
            File.Delete(alias);
            File.CreateSymbolicLink(alias, machine.Disks[0]);
            var name = machine.Name + "-again";
            var result = await scene.Sites.Drctl.RunAsync("protect", name, "--disk", alias);
            File.Delete(alias);

            // Exit code 3: the service is unreachable at the moment.
            if (result.Code != 3)
            {
                scene.Ledger.Check(
                    "identity", result.Code != 0, $"the first disk of {machine.Name} was also protected as {name}");
            }
        }

        var volumes = Path.Combine(_data, "volumes");
        scene.Ledger.Check(
            "identity", !Directory.Exists(volumes) || !Directory.EnumerateFileSystemEntries(volumes).Any(),
            "a second agent with the same name was given volumes");
        scene.Ledger.Check(
            "identity", _agent is not { HasExited: true },
            $"a second agent with the same name ended on its own: {_agent?.Errors.Trim()}");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _agent?.Kill();
        _agent?.Dispose();
        _agent = null;
    }
}
