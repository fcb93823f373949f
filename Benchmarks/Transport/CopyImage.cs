namespace ReplicationEngine.Benchmarks.Transport;

/// <summary>The image of the measurements: half random, a quarter zero, a quarter text, in stripes of 16 MiB.</summary>
internal static class CopyImage
{
    private const int Stripe = 16 << 20;

    /// <summary>Makes the image.</summary>
    public static void Make(string path, long size)
    {
        var random = new Random(42);
        var text = Text();
        var buffer = new byte[Stripe];
        using var file = File.Create(path);
        for (long at = 0; at < size; at += Stripe)
        {
            switch (at / Stripe % 4)
            {
                case 0 or 2:
                    random.NextBytes(buffer);
                    break;
                case 1:
                    Array.Clear(buffer);
                    break;
                default:
                    var from = (int)(at / Stripe / 4 * 7_654_321 % (text.Length - Stripe));
                    text.AsSpan(from, Stripe).CopyTo(buffer);
                    break;
            }

            file.Write(buffer.AsSpan(0, (int)Math.Min(Stripe, size - at)));
        }
    }

    /// <summary>Changes one block of 64 KiB in a hundred; returns the number of bytes changed.</summary>
    public static long Change(string path, int seed)
    {
        var random = new Random(seed);
        var block = new byte[65536];
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite);
        var blocks = RandomAccess.GetLength(file) / block.Length;
        long changed = 0;
        foreach (var place in Enumerable.Range(0, (int)blocks).Select(i =>
            (Place: i, Draw: random.Next(100))).Where(x => x.Draw == 0))
        {
            random.NextBytes(block);
            RandomAccess.Write(file, block, (long)place.Place * block.Length);
            changed += block.Length;
        }

        return changed;
    }

    private static byte[] Text()
    {
        const int Wanted = 64 << 20;
        using var text = new MemoryStream(Wanted + Stripe);
        string[] kinds = [".h", ".txt", ".py", ".pm", ".xml", ".json", ".md", ".html", ".c", ".conf", ".copyright"];
        var options = new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true,
            AttributesToSkip = FileAttributes.ReparsePoint };
        var files = new[] { "/usr/share", "/usr/include", "/usr/lib" }.Where(Directory.Exists)
            .SelectMany(d => Directory.EnumerateFiles(d, "*", options))
            .Where(f => kinds.Contains(Path.GetExtension(f)) || Path.GetFileName(f) == "copyright")
            .Order(StringComparer.Ordinal);
        foreach (var file in files.TakeWhile(_ => text.Length < Wanted))
        {
            text.Write(File.ReadAllBytes(file));
        }

        while (text.Length < Wanted)
        {
            text.Write(text.Length > 0 ? text.ToArray() : "no text on this machine\n"u8.ToArray());
        }

        return text.ToArray();
    }
}
