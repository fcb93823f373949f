using System.Numerics;

namespace ReplicationEngine.Simulation.Kernel;

/// <summary>
/// A rolling hash over all notes of the components of a world. Two runs of a seed that differ in any note differ in
/// this hash. The newest notes can be kept as text.
/// </summary>
/// <param name="queue">The queue whose virtual time is part of each note.</param>
/// <param name="keep">The number of newest notes that are kept as text.</param>
public sealed class TraceHash(EventQueue queue, int keep = 0)
{
    private readonly Queue<string> _kept = new();

    /// <summary>The hash of all notes so far.</summary>
    public ulong Value { get; private set; } = 0x6A09E667F3BCC908;

    /// <summary>The number of notes so far.</summary>
    public long Count { get; private set; }

    /// <summary>The newest notes as text, oldest first.</summary>
    public IReadOnlyCollection<string> Kept => _kept;

    /// <summary>Whether notes are kept as text.</summary>
    public bool Keeps => keep > 0;

    /// <summary>Adds a note that something happened, with a number that belongs to it.</summary>
    public void Note(string what, long number = 0)
    {
        Count++;
        Mix(SplittableRandom.StableHash(what));
        Mix((ulong)number);
        Mix((ulong)queue.Now.Ticks);
        if (keep > 0)
        {
            if (_kept.Count == keep)
            {
                _kept.Dequeue();
            }

            _kept.Enqueue($"{queue.Now:d\\.hh\\:mm\\:ss\\.fffffff} {what} {number}");
        }
    }

    private void Mix(ulong value)
    {
        var mixed = (Value ^ value) * 0x9FB21C651E98DF25;
        Value = BitOperations.RotateLeft(mixed ^ (mixed >> 32), 27) + 0x3C6EF372FE94F82B;
    }
}
