using System.Numerics;
using System.Runtime.CompilerServices;

namespace ReplicationEngine.DataPlane.Transport.Framing;

/// <summary>A run of the encoder over one block; see <see cref="LzBlock"/>.</summary>
internal unsafe ref struct LzEncoder
{
    /// <summary>
    /// The number of entries in the table of positions, zeroed before each run; small enough for the first-level cache.
    /// </summary>
    public const int TableSize = 1 << HashBits;

    private const int HashBits = 12;
    private const int MaxDistance = 65535;
    private const int MinMatch = 4;
    private const int LastLiterals = 5;
    private const int MatchMargin = 12;
    private readonly byte* _source;
    private readonly byte* _target;
    private readonly int* _places;
    private readonly byte* _end;
    private readonly byte* _targetEnd;
    private byte* _to;
    private byte* _anchor;

    public LzEncoder(byte* source, int length, byte* target, int capacity, int* places)
    {
        _source = source;
        _end = source + length;
        _anchor = source;
        _target = target;
        _targetEnd = target + capacity;
        _to = target;
        _places = places;
    }

    public int Run()
    {
        if (_end - _source > MatchMargin && !Matches(_end - MatchMargin))
        {
            return 0;
        }

        var literals = (int)(_end - _anchor);
        if (_targetEnd - _to < literals + (literals / 255) + 16)
        {
            return 0;
        }

        WriteLiterals(literals);
        return (int)(_to - _target);
    }

    private bool Matches(byte* limit)
    {
        var at = _source + 1;
        while (Find(ref at, limit, out var match))
        {
            while (at > _anchor && match > _source && at[-1] == match[-1])
            {
                at--;
                match--;
            }

            var literals = (int)(at - _anchor);
            if (_targetEnd - _to < literals + ((_end - _anchor) / 255) + 64)
            {
                return false;
            }

            var token = _to;
            WriteLiterals(literals);
            while (true)
            {
                at = WriteMatch(token, at, match);
                _anchor = at;
                if (at >= limit || _targetEnd - _to < ((_end - at) / 255) + 64)
                {
                    return at >= limit;
                }

                _places[Hash(at - 2)] = (int)(at - 2 - _source);
                var hash = Hash(at);
                match = _source + _places[hash];
                _places[hash] = (int)(at - _source);
                if (at - match > MaxDistance || *(uint*)match != *(uint*)at)
                {
                    at++;
                    break;
                }

                token = _to++;
                *token = 0;
            }
        }

        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly bool Find(ref byte* at, byte* limit, out byte* match)
    {
        var tries = 1 << 6;
        var next = at;
        match = null;
        if (next > limit)
        {
            return false;
        }

        var nextHash = Hash(next);
        do
        {
            var hash = nextHash;
            at = next;
            next += tries++ >> 6;
            if (next > limit)
            {
                return false;
            }

            match = _source + _places[hash];
            nextHash = Hash(next);
            _places[hash] = (int)(at - _source);
        }
        while (at - match > MaxDistance || *(uint*)match != *(uint*)at);

        return true;
    }

    private void WriteLiterals(int count)
    {
        var token = _to++;
        if (count >= 15)
        {
            *token = 0xF0;
            WriteLength(count - 15);
        }
        else
        {
            *token = (byte)(count << 4);
        }

        if (count <= 256 && _end - _anchor >= count + 16 && _targetEnd - _to >= count + 16)
        {
            for (var done = 0; done < count; done += 16)
            {
                *(ulong*)(_to + done) = *(ulong*)(_anchor + done);
                *(ulong*)(_to + done + 8) = *(ulong*)(_anchor + done + 8);
            }
        }
        else
        {
            Buffer.MemoryCopy(_anchor, _to, _targetEnd - _to, count);
        }

        _to += count;
    }

    private byte* WriteMatch(byte* token, byte* at, byte* match)
    {
        *(ushort*)_to = (ushort)(at - match);
        _to += 2;
        var extra = Common(at + MinMatch, match + MinMatch, _end - LastLiterals);
        if (extra >= 15)
        {
            *token |= 15;
            WriteLength(extra - 15);
        }
        else
        {
            *token |= (byte)extra;
        }

        return at + MinMatch + extra;
    }

    private void WriteLength(int rest)
    {
        for (; rest >= 255; rest -= 255)
        {
            *_to++ = 255;
        }

        *_to++ = (byte)rest;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Common(byte* at, byte* match, byte* limit)
    {
        var start = at;
        while (at < limit - 7)
        {
            var difference = *(ulong*)at ^ *(ulong*)match;
            if (difference != 0)
            {
                return (int)(at - start) + (BitOperations.TrailingZeroCount(difference) >> 3);
            }

            at += 8;
            match += 8;
        }

        while (at < limit && *at == *match)
        {
            at++;
            match++;
        }

        return (int)(at - start);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static uint Hash(byte* at) => (uint)(((*(ulong*)at << 24) * 889523592379UL) >> (64 - HashBits));
}
