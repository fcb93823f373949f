using System.Collections.Concurrent;

namespace ReplicationEngine.Vault.Effects;

/// <summary>Lets one at a time work on a VM's source and target; different VMs do not wait for each other.</summary>
internal sealed class VmGates
{
    private readonly ConcurrentDictionary<string, SemaphoreSlim> _gates = new(StringComparer.Ordinal);

    /// <summary>Waits for the VM's turn; dispose the answer to end it.</summary>
    public async Task<IDisposable> EnterAsync(string vm, CancellationToken cancellationToken)
    {
        var gate = _gates.GetOrAdd(vm, _ => new SemaphoreSlim(1, 1));
        await gate.WaitAsync(cancellationToken);
        return new Turn(gate);
    }

    private sealed class Turn(SemaphoreSlim gate) : IDisposable
    {
        private SemaphoreSlim? _gate = gate;

        public void Dispose() => Interlocked.Exchange(ref _gate, null)?.Release();
    }
}
