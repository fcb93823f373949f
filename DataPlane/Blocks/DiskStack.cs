using System.Globalization;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.DataPlane.Blocks;

/// <summary>
/// Finds the devices below a disk of this machine (A1): the whole disk below a partition, the file or disk below a loop
/// device, the members below device-mapper, LVM and RAID. Loop devices are queried directly, because a path in
/// <c>/sys</c> may belong to another mount namespace or to a deleted file.
/// </summary>
internal static class DiskStack
{
    /// <summary>
    /// The maximum depth of a stack. Deeper ones do not occur, but a cycle in <c>/sys</c> must not hang the agent.
    /// </summary>
    private const int Deepest = 16;

    private const int SectorBytes = 512;
    private const string Boot = "/proc/sys/kernel/random/boot_id";

    /// <summary>Returns the identity of the disk that a status describes, including the devices below it.</summary>
    public static DiskIdentity IdentityOf(FileStatus status, long sizeBytes)
    {
        var layers = new List<DiskLayer>();
        if (status.IsBlockDevice)
        {
            Collect(new DeviceNumber(status.NodeMajor, status.NodeMinor), new Range(0, sizeBytes), layers, 0);
        }

        return new DiskIdentity(
            File.ReadAllText(Boot).Trim(), DiskProbe.NameOf(status), layers.Distinct().ToValueList());
    }

    /// <summary>Returns the directory of <c>/sys</c> that describes a block device.</summary>
    public static string SystemDirectory(uint major, uint minor) =>
        string.Create(CultureInfo.InvariantCulture, $"/sys/dev/block/{major}:{minor}");

    private static void Collect(DeviceNumber device, Range? part, List<DiskLayer> layers, int depth)
    {
        var directory = SystemDirectory(device.Major, device.Minor);
        if (depth > Deepest || !Directory.Exists(directory))
        {
            return;
        }

        if (File.Exists(Path.Combine(directory, "partition")))
        {
            var start = Number(directory, "start") * SectorBytes;
            if (NumberAt(Path.Combine(Real(directory), "..", "dev")) is { } whole)
            {
                Add(whole, Shifted(part, start), layers, depth);
            }
        }

        foreach (var member in Members(directory))
        {
            Add(member, null, layers, depth);
        }

        if (Directory.Exists(Path.Combine(directory, "loop")))
        {
            BelowLoop(directory, device, part, layers, depth);
        }
    }

    private static void BelowLoop(
        string directory, DeviceNumber device, Range? part, List<DiskLayer> layers, int depth)
    {
        if (LoopStatus.Of(NodeOf(directory), device.Major, device.Minor) is { } loop)
        {
            if (loop.Backing is { } backing)
            {
                Add(backing, Shifted(part, loop.Offset), layers, depth);
            }
            else
            {
                layers.Add(Layer(loop.BackingFile, Shifted(part, loop.Offset)));
            }

            return;
        }

        var path = Text(directory, "loop/backing_file");
        if (path is null || !Path.Exists(path))
        {
            return;
        }

        var status = FileStatus.Of(path);
        var range = Shifted(part, Number(directory, "loop/offset"));
        if (status.IsBlockDevice)
        {
            Add(new DeviceNumber(status.NodeMajor, status.NodeMinor), range, layers, depth);
        }
        else
        {
            layers.Add(Layer(DiskProbe.NameOf(status), range));
        }
    }

    private static void Add(DeviceNumber device, Range? part, List<DiskLayer> layers, int depth)
    {
        layers.Add(Layer(DiskProbe.NameOfBlock(device.Major, device.Minor), part));
        Collect(device, part, layers, depth + 1);
    }

    private static DiskLayer Layer(string disk, Range? part) =>
        part is { } range ? new DiskLayer(disk, range.Start, range.Length) : new DiskLayer(disk, 0, null);

    private static Range? Shifted(Range? part, long start) =>
        part is { } range ? range with { Start = range.Start + start } : null;

    private static IEnumerable<DeviceNumber> Members(string directory)
    {
        var members = Path.Combine(directory, "slaves");
        return Directory.Exists(members)
            ? Directory.EnumerateFileSystemEntries(members).Order(StringComparer.Ordinal)
                .Select(member => NumberAt(Path.Combine(member, "dev"))).OfType<DeviceNumber>()
            : [];
    }

    // The name in /dev is the directory's own last element, with '!' for '/' (as in cciss!c0d0).
    private static string NodeOf(string directory) =>
        "/dev/" + Path.GetFileName(Real(directory)).Replace('!', '/');

    private static string Real(string directory) =>
        Directory.ResolveLinkTarget(directory, returnFinalTarget: true)?.FullName ?? directory;

    private static DeviceNumber? NumberAt(string path) =>
        File.Exists(path) && File.ReadAllText(path).Trim().Split(':') is [var major, var minor]
            ? new DeviceNumber(
                uint.Parse(major, CultureInfo.InvariantCulture), uint.Parse(minor, CultureInfo.InvariantCulture))
            : null;

    private static string? Text(string directory, string name)
    {
        var path = Path.Combine(directory, name);
        return File.Exists(path) ? File.ReadAllText(path).TrimEnd('\n') : null;
    }

    private static long Number(string directory, string name) =>
        Text(directory, name) is { } text ? long.Parse(text, CultureInfo.InvariantCulture) : 0;

    private readonly record struct Range(long Start, long Length);
}

/// <summary>The major and minor number of a block device.</summary>
internal readonly record struct DeviceNumber(uint Major, uint Minor)
{
    /// <summary>Decodes a device number that the kernel encodes in one word (<c>new_encode_dev</c>).</summary>
    public static DeviceNumber Decode(ulong encoded) =>
        new((uint)((encoded >> 8) & 0xFFF), (uint)((encoded & 0xFF) | ((encoded >> 12) & 0xFFFFFF00)));
}
