using System.Numerics;
using System.Text;

namespace ReplicationEngine.Simulation.Kernel;

/// <summary>
/// Seeded randomness that is the same in every process and .NET version (xoshiro256**, seeded by SplitMix64). Each
/// component takes a part of its own by name: what one component draws never moves what another one gets. Not safe for
/// several threads.
/// </summary>
public sealed class SplittableRandom
{
    private readonly ulong _seed;
    private ulong _a;
    private ulong _b;
    private ulong _c;
    private ulong _d;

    /// <summary>Starts from a seed; equal seeds give equal draws.</summary>
    public SplittableRandom(ulong seed)
    {
        _seed = seed;
        _a = Mix(ref seed);
        _b = Mix(ref seed);
        _c = Mix(ref seed);
        _d = Mix(ref seed);
    }

    /// <summary>
    /// The part of a component. It depends on this one's seed and the name only, not on what was drawn before.
    /// </summary>
    public SplittableRandom Split(string name) => new(StableHash(name, _seed ^ 0x9E3779B97F4A7C15));

    /// <summary>A hash of a text that is the same in every process.</summary>
    public static ulong StableHash(string text, ulong seed = 0)
    {
        var hash = 0xCBF29CE484222325 ^ seed;
        foreach (var part in Encoding.UTF8.GetBytes(text))
        {
            hash = (hash ^ part) * 0x100000001B3;
        }

        return Mix(ref hash);
    }

    /// <summary>64 random bits.</summary>
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

    /// <summary>A number from 0 up to, not including, the limit (at least 1).</summary>
    public long Next(long limit)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        return (long)Math.BigMul(NextUInt64(), (ulong)limit, out _);
    }

    /// <summary>A number from 0 up to, not including, the limit (at least 1).</summary>
    public int Next(int limit) => (int)Next((long)limit);

    /// <summary>A number between both, the first included, the last not.</summary>
    public int Between(int from, int below) => from + Next(below - from);

    /// <summary>A time between both, evenly spread.</summary>
    public TimeSpan Between(TimeSpan from, TimeSpan below) =>
        below <= from ? from : from + TimeSpan.FromTicks(Next((below - from).Ticks));

    /// <summary>A time that passes before the next event of a process without memory (exponential).</summary>
    public TimeSpan Waiting(TimeSpan mean) =>
        TimeSpan.FromTicks((long)(-Math.Log(1.0 - NextDouble()) * mean.Ticks));

    /// <summary>A number from 0 up to, not including, 1.</summary>
    public double NextDouble() => (NextUInt64() >> 11) * (1.0 / (1UL << 53));

    /// <summary>True with the chance given, from 0 to 1.</summary>
    public bool Chance(double chance) => NextDouble() < chance;

    /// <summary>Draws an item.</summary>
    public T Pick<T>(IReadOnlyList<T> items) => items[Next(items.Count)];

    /// <summary>Fills a buffer.</summary>
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

    /// <summary>An id of 16 random bytes.</summary>
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
