using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.Replicas;

/// <summary>
/// Assigns the numbers of segments, index files and overlays: each is above all numbers in the directory.
/// </summary>
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

    /// <summary>Excludes all numbers up to this one.</summary>
    public void Skip(uint used) => _last = Math.Max(_last, used);
}
