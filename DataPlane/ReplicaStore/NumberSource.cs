using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.ReplicaStore;

/// <summary>Gives out the numbers of segments, index files and overlays: each one above all that stand in the
/// directory.</summary>
internal sealed class NumberSource
{
    private uint _last;

    public NumberSource(IStorageDirectory directory)
    {
        foreach (var name in directory.List())
        {
            if (FileNames.TryParse(name, out _, out var owner, out var number))
            {
                _last = Math.Max(_last, Math.Max(owner, number));
            }
        }
    }

    public uint Next() => Interlocked.Increment(ref _last);

    /// <summary>Never gives out a number up to this one.</summary>
    public void Skip(uint used) => _last = Math.Max(_last, used);
}
