using System.Text.Json.Nodes;
using ReplicationEngine.Chaos.Checks;
using ReplicationEngine.Chaos.Machines;
using ReplicationEngine.Chaos.Plans;

namespace ReplicationEngine.Chaos.Runs;

/// <summary>
/// Completes an operation, whichever process is killed in the middle of it: a command that was not accepted is given
/// again (I20).
/// </summary>
internal sealed class Operation(Scene scene)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    /// <summary>Completes the operation and returns the VM's view once it is done.</summary>
    /// <param name="machine">The VM.</param>
    /// <param name="order">The command.</param>
    /// <param name="kill">The kill in the middle of the operation; null for none.</param>
    /// <param name="cancellationToken">Ends the run.</param>
    /// <exception cref="ViolationException">The command is refused although the operation is allowed, or the operation
    /// does not end.</exception>
    public async Task<JsonNode> RunAsync(
        Machine machine, Order order, PlannedKill? kill, CancellationToken cancellationToken)
    {
        var name = string.Join(' ', order.Arguments.Where(a => a != machine.Name));
        scene.Screen.Tell(
            $"drctl {name.Insert(order.Arguments[0].Length, " " + machine.Name)}" + (kill is null ? ""
            : $", {(kill.Agent, kill.Service) switch { (true, true) => "both", (true, _) => "agent", _ => "service" }} "
                + $"killed after {kill.After.TotalSeconds:0.0} s"));
        var running = scene.Sites.Drctl.RunAsync(order.Arguments);
        if (kill is not null)
        {
            await KillAsync(kill, cancellationToken);
        }

        var result = await running;
        if (result.Code != 0)
        {
            await AgainAsync(machine, order, result.Said, cancellationToken);
        }

        var view = await scene.Sites.UntilViewAsync(
            machine.Name, $"{name} is done", order.IsDone, Limit, cancellationToken);
        scene.Ledger.Did(name);
        if (kill is not null)
        {
            scene.Ledger.Check("I20", holds: true, "");
        }

        return view;
    }

    private async Task KillAsync(PlannedKill kill, CancellationToken cancellationToken)
    {
        await Task.Delay(kill.After, TimeProvider.System, cancellationToken);
        // An agent that is down already (its site is lost) stays down.
        var agent = kill.Agent && scene.Sites.AgentRuns;
        if (agent)
        {
            scene.Sites.KillAgent();
            scene.Ledger.Did(Fault.KillAgent);
        }

        if (kill.Service)
        {
            scene.Sites.KillService();
            scene.Ledger.Did(Fault.KillService);
        }

        await Task.Delay(kill.Down, TimeProvider.System, cancellationToken);
        if (kill.Service)
        {
            await scene.Sites.StartServiceAsync(cancellationToken);
        }

        if (agent)
        {
            scene.Sites.StartAgent();
        }
    }

    private async Task AgainAsync(Machine machine, Order order, string said, CancellationToken cancellationToken)
    {
        var view = await scene.Sites.UntilViewAsync(
            machine.Name, $"{order.Name} is done or possible again",
            v => order.IsDone(v)
                || (Calm.Offers(v, order.Name) && (!scene.Sites.AgentRuns || Calm.HasAgent(v))),
            Limit, cancellationToken);
        if (order.IsDone(view))
        {
            return;
        }

        scene.Screen.Tell($"repeated, after: {said.Trim().Split('\n')[^1]}");
        var result = await scene.Sites.Drctl.RunAsync(order.Arguments);
        scene.Ledger.Check("I20", result.Code == 0,
            $"{machine.Name}: {order.Name} was possible and exited with {result.Code}: {result.Said.Trim()}");
    }
}

/// <summary>
/// An operation: the command that starts it, its name among the allowed operations, and its end condition.
/// </summary>
/// <param name="Name">The operation's name among the allowed operations.</param>
/// <param name="Arguments">The arguments of drctl.</param>
/// <param name="IsDone">Returns whether a view shows the operation as done.</param>
internal sealed record Order(string Name, IReadOnlyList<string> Arguments, Func<JsonNode, bool> IsDone);
