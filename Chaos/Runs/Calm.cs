using System.Text.Json.Nodes;
using ReplicationEngine.Chaos.Checks;
using ReplicationEngine.Chaos.Machines;

namespace ReplicationEngine.Chaos.Runs;

/// <summary>The phase after the faults: waits until everything has recovered, and checks it.</summary>
internal sealed class Calm(Scene scene)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);
    private readonly Dictionary<string, long> _terms = new(StringComparer.Ordinal);

    /// <summary>Returns whether the VM is protected at the source and nothing lags.</summary>
    public static bool IsInStep(JsonNode view) => (string?)view["phase"] == "protected"
        && (bool)view["source"]!["connected"]! && (long)view["source"]!["dirtyBytes"]! == 0
        && (string?)view["source"]!["capture"] == "logging" && Offers(view, "make-point");

    /// <summary>Returns whether an operation is allowed.</summary>
    public static bool Offers(JsonNode view, string operation) =>
        view["operations"]!.AsArray().Any(offered => (string?)offered == operation);

    /// <summary>
    /// Returns whether the VM's agent is connected. A service that was just started allows the same operations as
    /// before until it notices that the agent is not connected yet.
    /// </summary>
    public static bool HasAgent(JsonNode view) => (bool?)view["source"]!["connected"] == true;

    /// <summary>
    /// Waits until each VM at the source is protected, in sync and written to, and resumes replication that an operator
    /// paused.
    /// </summary>
    /// <exception cref="ViolationException">A VM does not recover within two minutes.</exception>
    public async Task RestoreAsync(CancellationToken cancellationToken)
    {
        foreach (var machine in scene.Machines.Where(machine => machine.Place == Place.Source))
        {
            await scene.Sites.UntilAsync(
                $"{machine.Name} shows its state again", async () => await scene.Sites.ViewAsync(machine.Name) is not
                    null, Limit, cancellationToken);
            if (Offers((await scene.Sites.ViewAsync(machine.Name))!, "resume"))
            {
                await scene.Sites.Drctl.AskAsync("resume", machine.Name);
            }

            var view = await scene.Sites.UntilViewAsync(
                machine.Name, "protected and in sync", IsInStep, Limit, cancellationToken);
            scene.Ledger.Check("recovery", holds: true, "");
            JudgeTerm(machine, view);
            await WritesAsync(machine, cancellationToken);
        }
    }

    /// <summary>Waits until a machine that is meant to write has its disks and resumes.</summary>
    public async Task WritesAsync(Machine machine, CancellationToken cancellationToken)
    {
        var now = machine.Writer.AcknowledgedCount;
        await scene.Sites.UntilAsync(
            $"{machine.Name} writes", () => Task.FromResult(machine.Writer.AcknowledgedCount > now), Limit,
            cancellationToken);
    }

    /// <summary>Checks that a VM's term has not decreased (I15).</summary>
    public void JudgeTerm(Machine machine, JsonNode view)
    {
        var (term, known) = ((long)view["settings"]!["term"]!, _terms.GetValueOrDefault(machine.Name));
        scene.Ledger.Check("I15", term >= known, $"{machine.Name}: the term went back from {known} to {term}");
        _terms[machine.Name] = term;
    }

    /// <summary>Stops a machine's writes, checks the machine and its points, and resumes the writes.</summary>
    public async Task JudgeAsync(Machine machine, Random random, int unseen, CancellationToken cancellationToken)
    {
        await machine.Turn.WaitAsync(cancellationToken);
        try
        {
            await Task.Run(machine.Rest, cancellationToken);
            await new PointChecks(scene.Sites, scene.Ledger).JudgeAsync(machine, random, unseen);
            await scene.Sites.UntilAsync(
                $"{machine.Name} continues writing", machine.TryGoOnAsync, Limit, cancellationToken);
        }
        finally
        {
            machine.Turn.Release();
        }
    }

    /// <summary>Verifies the event log while the service that owns it runs.</summary>
    public async Task VerifyJournalAsync()
    {
        var result = await scene.Sites.Drctl.RunPlainAsync(
            ["journal", "verify", "--data", scene.Sites.ServiceData, "--json"]);
        scene.Ledger.Check("journal", result.Code == 0,
            $"`drctl journal verify` exited with {result.Code}: {result.Said.Trim()}");
    }
}
