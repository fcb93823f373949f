using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.Tests.DataPlane.Splitting;

/// <summary>The bytes of a file without its holes, so that large and mostly empty disks are cheap to keep.</summary>
internal sealed class SparseContent
{
    private const int PageSize = 4096;
    private readonly List<(long Offset, byte[] Data)> _pages = [];
    private long _length;

    /// <summary>Reads a file's content.</summary>
    public static SparseContent Of(IStorageFile file)
    {
        var content = new SparseContent { _length = file.Length };
        Visit(file, 0, content._length, (offset, page) => content.Add(offset, page));
        return content;
    }

    /// <summary>Takes content that is in memory as a whole.</summary>
    public static SparseContent Of(ReadOnlySpan<byte> bytes)
    {
        var content = new SparseContent { _length = bytes.Length };
        for (var at = 0; at < bytes.Length; at += PageSize)
        {
            content.Add(at, bytes[at..Math.Min(at + PageSize, bytes.Length)]);
        }

        return content;
    }

    /// <summary>Tells whether a file holds exactly these bytes from an offset on.</summary>
    public static bool Holds(IStorageFile file, long offset, ReadOnlySpan<byte> expected)
    {
        var page = (stackalloc byte[PageSize]);
        var end = Math.Min(file.Length - offset, expected.Length);
        if (end < expected.Length)
        {
            return false;
        }

        for (var at = 0L; at < end;)
        {
            var (run, isHole) = file.NextRun(offset + at);
            var length = (int)Math.Min(run, isHole ? end - at : Math.Min(PageSize, end - at));
            var part = expected.Slice((int)at, length);
            if (isHole)
            {
                if (part.ContainsAnyExcept((byte)0))
                {
                    return false;
                }
            }
            else
            {
                file.Read(offset + at, page[..length]);
                if (!page[..length].SequenceEqual(part))
                {
                    return false;
                }
            }

            at += length;
        }

        return true;
    }

    /// <summary>Writes the content into an empty file.</summary>
    public void WriteTo(IStorageFile file)
    {
        file.SetLength(_length);
        foreach (var (offset, data) in _pages)
        {
            file.Write(offset, data);
        }
    }

    private delegate void PageVisitor(long offset, ReadOnlySpan<byte> page);

    private static void Visit(IStorageFile file, long offset, long end, PageVisitor visit)
    {
        var page = (stackalloc byte[PageSize]);
        while (offset < end)
        {
            var (run, isHole) = file.NextRun(offset);
            var length = Math.Min(run, isHole ? run : PageSize);
            if (!isHole)
            {
                file.Read(offset, page[..(int)length]);
                visit(offset, page[..(int)length]);
            }

            offset += length;
        }
    }

    private void Add(long offset, ReadOnlySpan<byte> page)
    {
        if (page.ContainsAnyExcept((byte)0))
        {
            _pages.Add((offset, page.ToArray()));
        }
    }
}
