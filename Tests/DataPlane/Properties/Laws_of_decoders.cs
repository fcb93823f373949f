using FsCheck;
using FsCheck.Fluent;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.ReplicationLog;
using ReplicationEngine.DataPlane.Transport;
using ReplicationEngine.DataPlane.Transport.Framing;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Tests.TestKit.Properties;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Properties;

/// <summary>Records come back as they were; arbitrary bytes never do more than be refused.</summary>
public sealed class Laws_of_decoders
{
    private static readonly Arbitrary<byte[]> Bytes = ArbMap.Default.ArbFor<byte[]>();

    [Fact]
    [Trait("Req", "I7")]
    public void A_change_record_comes_back_and_a_flip_anywhere_in_it_shows() => Laws.Hold(300, Prop.ForAll(
        Bytes, Gen.Choose(0, 1_000_000).ToArbitrary(), (data, place) =>
        {
            var header = new ChangeHeader(
                ChangeKind.Write, place % 7, new Generation(place), new Lsn(place + 1L), place * 512L, data.Length,
                new Lsn(place), DateTimeOffset.UnixEpoch.AddTicks(place), data.Length);
            var record = new byte[header.EncodedLength];
            ChangeRecord.Encode(header, data, record);
            Assert.True(ChangeRecord.TryReadHeader(record, out var read) && ChangeRecord.VerifyData(record, read));
            Assert.Equal(header, read);

            var used = ChangeRecord.DataOffset(data.Length) + data.Length;
            record[place % used] ^= (byte)(1 << (place % 8));
            Assert.False(ChangeRecord.TryReadHeader(record, out read) && ChangeRecord.VerifyData(record, read));
        }));

    [Fact]
    [Trait("Req", "I7")]
    [Trait("Req", "S4")]
    public void Arbitrary_bytes_are_read_or_refused_by_every_decoder() => Laws.Hold(1_000, Prop.ForAll(Bytes, bytes =>
    {
        var padded = new byte[LogSegmentHeader.Size + bytes.Length];
        bytes.CopyTo(padded, 0);
        Assert.False(ChangeRecord.TryReadHeader(padded, out _));
        Assert.Null(LogSegmentHeader.Read(padded));
        ReadOrRefused(() => FrameHeader.Read(padded, 0));
        ReadOrRefused(() => AckPayload.ReadAck(bytes));
        ReadOrRefused(() => AckPayload.ReadAnswer(bytes));
        ReadOrRefused(() => AckPayload.ReadPosition(bytes));
        ReadOrRefused(() => ProbePayload.Read(bytes, root: true));
        ReadOrRefused(() => ProbePayload.Read(bytes, root: false));
        ReadOrRefused(() => BlocksPayload.ReadFixed(bytes));
        LzBlock.TryInflate(bytes, new byte[100]);
    }));

    private static void ReadOrRefused(Action decode)
    {
        try
        {
            decode();
        }
        catch (FrameException exception)
        {
            Assert.NotEmpty(exception.Message);
        }
    }
}
