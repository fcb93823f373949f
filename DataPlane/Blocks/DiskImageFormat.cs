using System.Buffers.Binary;

namespace ReplicationEngine.DataPlane.Blocks;

/// <summary>
/// Recognizes disk images in a format of their own, which hold the disk's bytes somewhere inside the file (A1). If such
/// a file were served as a disk, a guest would see the format's headers and overwrite them.
/// </summary>
public static class DiskImageFormat
{
    private const int HeadBytes = 512;
    private const int VdiSignatureAt = 64;
    private const uint VdiSignature = 0xBEDA107F;

    /// <summary>
    /// Returns the name of the format that a disk's first and last bytes belong to; null for plain bytes.
    /// </summary>
    /// <exception cref="BlockDeviceException">The disk cannot be read.</exception>
    public static string? Of(IBlockDevice disk)
    {
        ArgumentNullException.ThrowIfNull(disk);
        Span<byte> head = stackalloc byte[HeadBytes];
        head.Clear();
        disk.Read(0, head[..(int)Math.Min(HeadBytes, disk.Length)]);
        if (OfHead(head) is { } format)
        {
            return format;
        }

        // A fixed VHD is the plain bytes followed by a footer of 512 bytes; old tools wrote 511 bytes.
        Span<byte> tail = stackalloc byte[HeadBytes];
        var length = (int)Math.Min(HeadBytes, disk.Length);
        disk.Read(disk.Length - length, tail[..length]);
        var known = tail[..length];
        return known.StartsWith("conectix"u8) || (length > 1 && known[1..].StartsWith("conectix"u8)) ? "vhd" : null;
    }

    private static string? OfHead(ReadOnlySpan<byte> head) =>
        head.StartsWith("QFI"u8) && head[3] == 0xFB ? "qcow2"
        : head.StartsWith("QED\0"u8) ? "qed"
        : head.StartsWith("KDMV"u8) || head.StartsWith("COWD"u8) || head.StartsWith("# Disk DescriptorFile"u8) ? "vmdk"
        : head.StartsWith("vhdxfile"u8) ? "vhdx"
        : head.StartsWith("conectix"u8) ? "vhd"
        : head.StartsWith("WithoutFreeSpace"u8) || head.StartsWith("WithouFreSpacExt"u8) ? "parallels"
        : BinaryPrimitives.ReadUInt32LittleEndian(head[VdiSignatureAt..]) == VdiSignature ? "vdi"
        : null;
}
