namespace ReplicationEngine.DataPlane.Transport.Framing;

/// <summary>Decides whether a payload is worth compressing, and compresses it.</summary>
internal static class PayloadCodec
{
    private const int Smallest = 256;
    private const int SampleSize = 4096;
    private const int Samples = 3;

    /// <summary>
    /// Compresses if it helps: three samples must shrink by a quarter, and the whole by an eighth. Returns the number
    /// of bytes written to the target, which must be at least as large as the payload, or 0 if the payload should be
    /// sent uncompressed.
    /// </summary>
    public static int TryCompress(ReadOnlySpan<byte> payload, Span<byte> target)
    {
        if (payload.Length < Smallest || (payload.Length > SampleSize * Samples && !SamplesShrink(payload, target)))
        {
            return 0;
        }

        return LzBlock.Compress(payload, target[..(payload.Length - (payload.Length / 8))]);
    }

    /// <summary>Inflates an authentic payload into exactly the size its header declared and the cap allowed
    /// (S12).</summary>
    public static void Inflate(ReadOnlySpan<byte> compressed, Span<byte> target)
    {
        if (!LzBlock.TryInflate(compressed, target))
        {
            throw new FrameException(FrameError.BadPayload,
                $"A compressed payload of {compressed.Length} bytes does not decompress to the declared "
                    + $"{target.Length} bytes.");
        }
    }

    private static bool SamplesShrink(ReadOnlySpan<byte> payload, Span<byte> scratch)
    {
        var shrunk = 0;
        for (var i = 1; i <= Samples; i++)
        {
            var sample = payload.Slice((int)((long)(payload.Length - SampleSize) * i / (Samples + 1)), SampleSize);
            var size = LzBlock.Compress(sample, scratch[..SampleSize]);
            shrunk += size == 0 ? SampleSize : size;
        }

        return shrunk <= SampleSize * Samples * 3 / 4;
    }
}
