using System.Globalization;
using System.Text;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Engine.Identifiers;

/// <summary>
/// Identifies a disk on one machine, and the disks that it is layered on (A1). Two names of one disk conflict, as do a
/// disk and its partition, and a file and a loop device over it. Two partitions of one disk do not conflict.
/// </summary>
/// <param name="Host">The machine during one boot. Device numbers have no meaning on another machine or after a
/// reboot.</param>
/// <param name="Own">The disk itself.</param>
/// <param name="Below">The disks that hold its bytes, at any depth.</param>
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

    /// <summary>Returns the text that <see cref="Parse"/> reads: host, disk and layers, separated by spaces.</summary>
    public override string ToString()
    {
        var text = new StringBuilder(Host).Append(' ').Append(Own);
        foreach (var layer in Below)
        {
            text.Append(' ').Append(layer);
        }

        return text.ToString();
    }

    /// <summary>Parses the text form of <see cref="ToString"/>. Returns null if the text has another form.</summary>
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

/// <summary>A part of a disk that holds another disk's bytes.</summary>
/// <param name="Disk">The disk below.</param>
/// <param name="Start">The offset of the first byte of the part.</param>
/// <param name="Length">The length in bytes; null when the exact part is unknown (device-mapper, RAID).</param>
public sealed record DiskLayer(string Disk, long Start, long? Length)
{
    /// <summary>Whether two parts of the same disk, both with a known position, share a byte.</summary>
    public bool Overlaps(DiskLayer other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Disk == other.Disk && Length is { } length && other.Length is { } otherLength
            && Start < other.Start + otherLength && other.Start < Start + length;
    }

    /// <inheritdoc/>
    public override string ToString() => Length is { } length
        ? string.Create(CultureInfo.InvariantCulture, $"{Disk}@{Start}+{length}") : $"{Disk}@?";

    /// <summary>Parses the text form of <see cref="ToString"/>. Returns null if the text has another form.</summary>
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
