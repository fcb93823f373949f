using ReplicationEngine.Chaos.Plans;

namespace ReplicationEngine.Chaos.Runs;

/// <summary>Gives a round's commands at their times, as an operator would who does not know of the faults.</summary>
internal sealed class Orders(Scene scene)
{
    /// <summary>Gives all commands. A command may be refused or undeliverable.</summary>
    public async Task RunAsync(IReadOnlyList<PlannedOrder> orders, CancellationToken cancellationToken)
    {
        var start = TimeProvider.System.GetTimestamp();
        var given = new List<Task>();
        foreach (var order in orders)
        {
            var wait = order.At - TimeProvider.System.GetElapsedTime(start);
            if (wait > TimeSpan.Zero)
            {
                await Task.Delay(wait, TimeProvider.System, cancellationToken);
            }

            given.Add(GiveAsync(order));
        }

        await Task.WhenAll(given);
    }

    private async Task GiveAsync(PlannedOrder order)
    {
        var vm = scene.Machines[order.Vm].Name;
        var result = await scene.Sites.Drctl.RunAsync(order.Command, vm, "--no-wait");
        scene.Screen.Tell($"drctl {order.Command} {vm}: "
            + (result.Code == 0 ? "accepted" : result.Said.Trim().Split('\n')[^1]));
        if (result.Code == 0)
        {
            scene.Ledger.Did(order.Command);
        }
    }
}
