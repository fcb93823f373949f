using System.Numerics;
using System.Text;

namespace ReplicationEngine.Simulation.Kernel;

/// <summary>
/// A seeded random generator with the same sequence in every process and .NET version (xoshiro256**, seeded by
/// SplitMix64). Each component takes its own generator by name, so the draws of one component never change those of
/// another. Not safe for several threads.
/// </summary>
public sealed class SplittableRandom
{
    private readonly ulong _seed;
    private ulong _a;
    private ulong _b;
    private ulong _c;
    private ulong _d;

    /// <summary>Creates a generator from a seed. Equal seeds give equal draws.</summary>
    public SplittableRandom(ulong seed)
    {
        _seed = seed;
        _a = Mix(ref seed);
        _b = Mix(ref seed);
        _c = Mix(ref seed);
        _d = Mix(ref seed);
    }

    /// <summary>
    /// Returns the generator of a component. It depends only on this generator's seed and the name, not on earlier
    /// draws.
    /// </summary>
    public SplittableRandom Split(string name) => new(StableHash(name, _seed ^ 0x9E3779B97F4A7C15));

    /// <summary>Returns a hash of a text that is the same in every process.</summary>
    public static ulong StableHash(string text, ulong seed = 0)
    {
        var hash = 0xCBF29CE484222325 ^ seed;
        foreach (var part in Encoding.UTF8.GetBytes(text))
        {
            hash = (hash ^ part) * 0x100000001B3;
        }

        return Mix(ref hash);
    }

    /// <summary>Draws 64 random bits.</summary>
    public ulong NextUInt64()
    {
        var result = BitOperations.RotateLeft(_b * 5, 7) * 9;
        var t = _b << 17;
        _c ^= _a;
        _d ^= _b;
        _b ^= _c;
        _a ^= _d;
        _c ^= t;
        _d = BitOperations.RotateLeft(_d, 45);
        return result;
    }

    /// <summary>Draws a number from 0 up to, but not including, the limit (at least 1).</summary>
    public long Next(long limit)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        return (long)Math.BigMul(NextUInt64(), (ulong)limit, out _);
    }

    /// <summary>Draws a number from 0 up to, but not including, the limit (at least 1).</summary>
    public int Next(int limit) => (int)Next((long)limit);

    /// <summary>Draws a number between two limits; the first is included, the second is not.</summary>
    public int Between(int from, int below) => from + Next(below - from);

    /// <summary>Draws a time between two limits, evenly distributed.</summary>
    public TimeSpan Between(TimeSpan from, TimeSpan below) =>
        below <= from ? from : from + TimeSpan.FromTicks(Next((below - from).Ticks));

    /// <summary>Draws the time until the next event of a process without memory (exponential distribution).</summary>
    public TimeSpan Waiting(TimeSpan mean) =>
        TimeSpan.FromTicks((long)(-Math.Log(1.0 - NextDouble()) * mean.Ticks));

    /// <summary>Draws a number from 0 up to, but not including, 1.</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    /// <summary>Returns true with the given probability, from 0 to 1.</summary>
    public bool Chance(double chance) => NextDouble() < chance;

    /// <summary>Draws one item of a list.</summary>
    public T Pick<T>(IReadOnlyList<T> items) => items[Next(items.Count)];

    /// <summary>Fills a buffer with random bytes.</summary>
    public void Fill(Span<byte> buffer)
    {
        while (buffer.Length >= 8)
        {
            System.Buffers.Binary.BinaryPrimitives.WriteUInt64LittleEndian(buffer, NextUInt64());
            buffer = buffer[8..];
        }

        for (var (i, bits) = (0, NextUInt64()); i < buffer.Length; i++, bits >>= 8)
        {
            buffer[i] = (byte)bits;
        }
    }

    /// <summary>Draws an id of 16 random bytes.</summary>
    public Guid NextGuid()
    {
        Span<byte> bytes = stackalloc byte[16];
        Fill(bytes);
        return new Guid(bytes);
    }

    private static ulong Mix(ref ulong state)
    {
        var z = state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
