using System.Globalization;
using System.Text;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Engine.Identifiers;

/// <summary>
/// Which disk of which machine a disk is, and the disks that it lies on (A1). Two names for one disk, a disk and its
/// partition, a file and a loop device over it are in conflict; two partitions of one disk are not.
/// </summary>
/// <param name="Host">The machine during one boot: device numbers mean nothing elsewhere.</param>
/// <param name="Own">The disk itself.</param>
/// <param name="Below">The disks that its bytes lie on, at any depth.</param>
public sealed record DiskIdentity(string Host, string Own, ValueList<DiskLayer> Below)
{
    /// <summary>Whether a write to one disk can change the other.</summary>
    public bool ConflictsWith(DiskIdentity other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Host == other.Host
            && (Own == other.Own || other.Below.Any(layer => layer.Disk == Own)
                || Below.Any(layer => layer.Disk == other.Own || other.Below.Any(layer.Overlaps)));
    }

    /// <summary>The text that <see cref="Parse"/> reads: host, own disk and layers, separated by spaces.</summary>
    public override string ToString()
    {
        var text = new StringBuilder(Host).Append(' ').Append(Own);
        foreach (var layer in Below)
        {
            text.Append(' ').Append(layer);
        }

        return text.ToString();
    }

    /// <summary>Reads a text of <see cref="ToString"/>; null for one of another form, which names no disk.</summary>
    public static DiskIdentity? Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Split(' ') is not [{ Length: > 0 } host, { Length: > 0 } own, .. var rest])
        {
            return null;
        }

        var layers = rest.Select(DiskLayer.Parse).ToList();
        return layers.Contains(null) ? null : new DiskIdentity(host, own, layers.OfType<DiskLayer>().ToValueList());
    }
}

/// <summary>A part of a disk that carries another disk's bytes.</summary>
/// <param name="Disk">The disk below.</param>
/// <param name="Start">The first byte of the part.</param>
/// <param name="Length">Its bytes; null when it is not known which part it is (device-mapper, RAID).</param>
public sealed record DiskLayer(string Disk, long Start, long? Length)
{
    /// <summary>Whether both are known parts of one disk that share a byte.</summary>
    public bool Overlaps(DiskLayer other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Disk == other.Disk && Length is { } length && other.Length is { } otherLength
            && Start < other.Start + otherLength && other.Start < Start + length;
    }

    /// <inheritdoc/>
    public override string ToString() => Length is { } length
        ? string.Create(CultureInfo.InvariantCulture, $"{Disk}@{Start}+{length}") : $"{Disk}@?";

    /// <summary>Reads a text of <see cref="ToString"/>; null for one of another form.</summary>
    internal static DiskLayer? Parse(string text)
    {
        if (text.Split('@') is not [{ Length: > 0 } disk, var part])
        {
            return null;
        }

        return part == "?" ? new DiskLayer(disk, 0, null)
            : part.Split('+') is [var start, var length] && Number(start) is { } first && Number(length) is { } count
                ? new DiskLayer(disk, first, count) : null;
    }

    private static long? Number(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
