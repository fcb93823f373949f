namespace ReplicationEngine.DataPlane.Blocks;

/// <summary>
/// The stored form of a <see cref="DiskObservation"/>: text identity, u8 block device, i64 size, i64 birth and i64
/// change time in UTC ticks, 0 where unknown.
/// </summary>
internal static class DiskObservationCodec
{
    /// <summary>Writes the stored form.</summary>
    public static void Write(this BinaryWriter writer, DiskObservation observation)
    {
        writer.Write(observation.Identity);
        writer.Write(observation.IsBlockDevice);
        writer.Write(observation.SizeBytes);
        writer.Write(observation.Birth?.UtcTicks ?? 0);
        writer.Write(observation.Changed?.UtcTicks ?? 0);
    }

    /// <summary>Reads the stored form.</summary>
    public static DiskObservation ReadObservation(this BinaryReader reader) => new(
        reader.ReadString(), reader.ReadBoolean(), reader.ReadInt64(), Time(reader.ReadInt64()),
        Time(reader.ReadInt64()));

    private static DateTimeOffset? Time(long ticks) =>
        ticks <= 0 || ticks > DateTimeOffset.MaxValue.UtcTicks ? null : new DateTimeOffset(ticks, TimeSpan.Zero);
}
