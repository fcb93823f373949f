using System.Text;

namespace ReplicationEngine.Benchmarks.Sites;

/// <summary>
/// The image of the copy benchmarks: half random, a quarter zero, a quarter text, in stretches of 16 MiB.
/// </summary>
internal static class SampleImage
{
    private const int Stretch = 16 << 20;

    /// <summary>Makes the image.</summary>
    public static void Make(string path, long size)
    {
        var random = new Random(7);
        var noise = new byte[Stretch];
        var text = Text(random);
        using var file = File.Create(path);
        file.SetLength(size);
        for (var (offset, turn) = (0L, 0); offset < size; offset += Stretch, turn++)
        {
            file.Position = offset;
            switch (turn % 4)
            {
                case 0 or 2:
                    random.NextBytes(noise);
                    file.Write(noise);
                    break;
                case 3:
                    file.Write(text);
                    break;
                default:
                    break;
            }
        }
    }

    /// <summary>Returns the number of non-zero bytes of an image: three of four stretches.</summary>
    public static long NonZeroBytes(long size) => size / 4 * 3;

    /// <summary>Changes a hundredth of the 64 KiB blocks; returns the number of bytes changed.</summary>
    public static long Touch(string path)
    {
        const int block = 64 << 10;
        var random = new Random(11);
        var noise = new byte[block];
        using var file = File.Open(path, FileMode.Open);
        var count = file.Length / block / 100;
        for (var i = 0L; i < count; i++)
        {
            random.NextBytes(noise);
            file.Position = random.NextInt64(file.Length / block) * block;
            file.Write(noise);
        }

        return count * block;
    }

    private static byte[] Text(Random random)
    {
        string[] words = ["replica", "recovery", "point", "failover", "the", "of", "vault", "segment", "disk",
            "journal", "a", "to"];
        var text = new StringBuilder(Stretch);
        while (text.Length < Stretch)
        {
            text.Append(words[random.Next(words.Length)]).Append(random.Next(12) == 0 ? '\n' : ' ');
        }

        return Encoding.ASCII.GetBytes(text.ToString(0, Stretch));
    }
}
