using ReplicationEngine.Chaos.Witness.Writes;

namespace ReplicationEngine.Chaos.Witness.Nbd;

/// <summary>Reads and writes disks by their NBD URIs (<c>nbd+unix:///NAME?socket=PATH</c>).</summary>
public static class NbdImages
{
    private const int Step = 1 << 20;

    /// <summary>Connects to the export of a URI.</summary>
    public static NbdClient Open(string uri)
    {
        var parsed = new Uri(uri);
        var socket = Uri.UnescapeDataString(parsed.Query["?socket=".Length..]);
        return NbdClient.Open(socket, Uri.UnescapeDataString(parsed.AbsolutePath.TrimStart('/')));
    }

    /// <summary>Reads a whole disk.</summary>
    public static byte[] Read(string uri)
    {
        using var client = Open(uri);
        var image = new byte[client.Export.Size];
        for (long at = 0; at < image.Length; at += Step)
        {
            var length = (uint)Math.Min(Step, image.Length - at);
            var answer = client.Read((ulong)at, length);
            if (answer.Error != 0)
            {
                throw new IOException($"{uri}: reading {length} bytes at {at} returned error {answer.Error}.");
            }

            answer.Data.CopyTo(image, at);
        }

        return image;
    }

    /// <summary>Writes 4 KiB; returns the NBD error, 0 for success.</summary>
    public static uint WriteBlock(string uri, long block, byte[] data)
    {
        using var client = Open(uri);
        return client.Write((ulong)block * NumberedWrite.Bytes, data);
    }
}
