using System.Numerics;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>A bit per extent. Not safe for several threads; the owner holds a lock.</summary>
internal sealed class ExtentBits(int count)
{
    /// <summary>The words of the bits; the lowest extent is in the lowest bit of the first word.</summary>
    public ulong[] Words { get; private set; } = new ulong[(count + 63) / 64];

    /// <summary>The number of extents.</summary>
    public int Count { get; private set; } = count;

    /// <summary>Whether a bit is set.</summary>
    public bool this[int extent] => (Words[extent >> 6] >> (extent & 63) & 1) != 0;

    /// <summary>The number of bits set.</summary>
    public int Population
    {
        get
        {
            var total = 0;
            foreach (var word in Words)
            {
                total += BitOperations.PopCount(word);
            }

            return total;
        }
    }

    /// <summary>Whether any bit is set.</summary>
    public bool Any => Words.AsSpan().ContainsAnyExcept(0UL);

    /// <summary>Extends the bits for more extents, which are clear.</summary>
    public void Grow(int count)
    {
        var words = Words;
        Array.Resize(ref words, (count + 63) / 64);
        (Words, Count) = (words, count);
    }

    /// <summary>Whether all bits of a run are set.</summary>
    public bool AllSet(ExtentRun run)
    {
        for (var extent = run.First; extent <= run.Last; extent++)
        {
            if (!this[extent])
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Sets the bits of a run.</summary>
    public void Set(ExtentRun run)
    {
        for (var extent = run.First; extent <= run.Last; extent++)
        {
            Words[extent >> 6] |= 1UL << (extent & 63);
        }
    }

    /// <summary>Clears one bit.</summary>
    public void Clear(int extent) => Words[extent >> 6] &= ~(1UL << (extent & 63));

    /// <summary>Clears the bits that are set in the words given.</summary>
    public void ClearAll(ReadOnlySpan<ulong> words)
    {
        for (var i = 0; i < words.Length; i++)
        {
            Words[i] &= ~words[i];
        }
    }

    /// <summary>Returns the extents whose bits are set, in order.</summary>
    public IEnumerable<int> SetBits()
    {
        for (var i = 0; i < Words.Length; i++)
        {
            for (var word = Words[i]; word != 0; word &= word - 1)
            {
                yield return (i << 6) + BitOperations.TrailingZeroCount(word);
            }
        }
    }
}

/// <summary>A run of extents, both ends included.</summary>
internal readonly record struct ExtentRun(int First, int Last);
