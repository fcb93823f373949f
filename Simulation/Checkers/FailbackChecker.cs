using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>I24: after a failback the source holds the content of the target side, and terms only rise.</summary>
internal sealed class FailbackChecker : Checker
{
    private readonly Dictionary<SimVm, Term> _terms = [];

    /// <inheritdoc/>
    public override string Id => "I24";

    /// <inheritdoc/>
    public override void FailedBack(SimVm vm, ulong[] content)
    {
        if (vm.Models.Live is { } live && !vm.Ledger.Damaged && !vm.Ledger.TargetCut
            && live.Difference(content) is { } difference)
        {
            throw Broken(vm, $"the source differs from the machine it took over from: {difference}");
        }
    }

    /// <inheritdoc/>
    public override void Stored(SimVm vm, ProtectedVmEvent @event)
    {
        if (vm.Host?.State is { } state)
        {
            if (_terms.TryGetValue(vm, out var newest) && state.Term.CompareTo(newest) < 0)
            {
                throw Broken(vm, $"term {state.Term} follows {newest}");
            }

            _terms[vm] = state.Term;
        }
    }
}
