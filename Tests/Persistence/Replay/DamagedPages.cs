using System.Text;

namespace ReplicationEngine.Tests.Persistence.Replay;

/// <summary>What a failing disk does to a database.</summary>
internal static class DamagedPages
{
    private const int PageSize = 4096;

    /// <summary>Overwrites the heads of the pages in a part of the file.</summary>
    public static void Overwrite(string path, double from, double to = 1)
    {
        using var file = new FileStream(path, FileMode.Open);
        var pages = file.Length / PageSize;
        for (var page = (long)(pages * from); page < (long)(pages * to); page++)
        {
            OverwritePage(file, page);
        }
    }

    /// <summary>Overwrites the heads of the pages that hold a text.</summary>
    public static void OverwritePagesWith(string path, byte[] content)
    {
        var bytes = File.ReadAllBytes(path);
        using var file = new FileStream(path, FileMode.Open);
        for (var page = 1L; page < bytes.Length / PageSize; page++)
        {
            if (bytes.AsSpan((int)page * PageSize, PageSize).IndexOf(content) >= 0)
            {
                OverwritePage(file, page);
            }
        }
    }

    private static void OverwritePage(FileStream file, long page)
    {
        file.Position = page * PageSize;
        file.Write(Encoding.ASCII.GetBytes(new string('x', 600)));
    }
}
