using ReplicationEngine.Simulation.Kernel;

namespace ReplicationEngine.Simulation.Plans;

/// <summary>
/// Moves events of a plan to moments of transition: faults strike just after an operation, the operator starts
/// operations while others are running, and the guest writes over several connections meanwhile. The set of faults and
/// operations of a seed stays the same; only times and follow-up events are drawn differently.
/// </summary>
internal static class Moments
{
    /// <summary>Returns a plan's events, moved to moments of transition and with follow-up events added.</summary>
    public static IReadOnlyList<PlannedEvent> Bring(IReadOnlyList<PlannedEvent> events, SplittableRandom random)
    {
        var actions = events.OfType<PlannedAction>().ToList();
        var result = Snapped(events, actions, random.Split("faults"));
        result.AddRange(Impatient(actions, random.Split("operator")));
        if (actions.Exists(e => e.Action == SimAction.WriteAtOnce))
        {
            result.AddRange(Busy(actions, random.Split("guest")));
        }

        return result;
    }

    /// <summary>
    /// Moves a third of the sudden faults to within seconds of an operation on the same VM, mostly just after it.
    /// </summary>
    private static List<PlannedEvent> Snapped(
        IReadOnlyList<PlannedEvent> events, List<PlannedAction> actions, SplittableRandom random)
    {
        var operations = actions.Where(e => IsTransition(e.Action)).ToLookup(e => e.Vm);
        return [.. events.Select(e =>
        {
            if (e is not PlannedFault { Fault.IsSudden: true } || !random.Chance(0.33) || !operations[e.Vm].Any())
            {
                return e;
            }

            var rarely = random.Chance(0.5);
            var near = random.Pick(operations[e.Vm]
                .OrderBy(o => rarely && o.Action == SimAction.WriteAtOnce ? 1 : 0)
                .ThenBy(o => Math.Abs(o.Ms - e.Ms)).Take(4).ToArray());
            return e with
            {
                Ms = random.Chance(0.3) ? Math.Max(0, near.Ms - random.Between(200, 8_000))
                    : near.Ms + random.Between(1, random.Chance(0.5) ? 60 : 4_000),
            };
        })];
    }

    /// <summary>Draws operations that an impatient operator starts right after another one.</summary>
    private static IEnumerable<PlannedEvent> Impatient(List<PlannedAction> actions, SplittableRandom random)
    {
        foreach (var e in actions.Where(e => IsAsked(e.Action) && e.Action != SimAction.WriteAtOnce))
        {
            if (e.Action is SimAction.PlannedFailover or SimAction.UnplannedFailover && random.Chance(0.5))
            {
                var change = new PlannedAction(
                    e.Ms + random.Between(6_000, 20_000), e.Vm, SimAction.ChangePoint, random.Next(long.MaxValue));
                yield return change;
                yield return new PlannedAction(change.Ms + random.Between(2, 11), e.Vm, SimAction.Commit);
            }

            if (random.Chance(e.Action == SimAction.ChangePoint ? 0.9 : 0.3))
            {
                var next = e.Action switch
                {
                    SimAction.ChangePoint => random.Chance(0.8) ? SimAction.Commit : SimAction.Cancel,
                    SimAction.PlannedFailover or SimAction.UnplannedFailover => random.Pick(
                        [SimAction.ChangePoint, SimAction.Commit, SimAction.Cancel, SimAction.Resync]),
                    SimAction.Failback or SimAction.Reprotect => random.Pick(
                        [SimAction.Commit, SimAction.Cancel, SimAction.Resync, SimAction.Failback]),
                    SimAction.TestFailover => random.Pick([SimAction.CleanUp, SimAction.MakePoint, SimAction.Pause]),
                    SimAction.Resync => random.Pick([SimAction.Resync, SimAction.Pause, SimAction.MakePoint]),
                    _ => SimAction.Resync,
                };
                if (actions.Exists(other => other.Action == next))
                {
                    yield return new PlannedAction(
                        e.Ms + random.Between(1, random.Pick(
                            [12, 20, e.Action == SimAction.ChangePoint ? 12 : 5_000, 150])),
                        e.Vm, next,
                        random.Next(long.MaxValue));
                }
            }
        }
    }

    /// <summary>Draws batches of the guest's writes close to the operations that change something.</summary>
    private static IEnumerable<PlannedEvent> Busy(List<PlannedAction> actions, SplittableRandom random)
    {
        foreach (var e in actions.Where(e => IsTransition(e.Action) && e.Action != SimAction.WriteAtOnce))
        {
            for (var i = random.Chance(0.6) ? random.Between(1, 5) : 0; i > 0; i--)
            {
                yield return new PlannedAction(
                    Math.Max(0, e.Ms + random.Between(-2_500, 1_500)), e.Vm, SimAction.WriteAtOnce,
                    random.Next(long.MaxValue), random.Between(1, 5));
            }
        }
    }

    private static bool IsAsked(SimAction action) => action is > SimAction.Flush and not (SimAction.TestWrite
        or SimAction.Passivate or SimAction.ChangePolicy or SimAction.WriteInSync);

    private static bool IsTransition(SimAction action) =>
        IsAsked(action) && action is not (SimAction.MakePoint or SimAction.Retry);
}
