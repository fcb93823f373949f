using FsCheck;
using FsCheck.Fluent;
using ReplicationEngine.Chaos.Witness.Nbd;
using ReplicationEngine.DataPlane.Nbd.Protocol;
using ReplicationEngine.Tests.TestKit.Nbd;
using Xunit;
using static ReplicationEngine.Chaos.Witness.Nbd.NbdWire;

namespace ReplicationEngine.Tests.DataPlane.Nbd;

public sealed class Laws_of_the_nbd_codec
{
    private const int Size = 300_000;
    private const int Greeting = 18;

    [Fact]
    public void However_the_stream_is_cut_the_answers_and_the_disk_are_the_same()
    {
        var property = Prop.ForAll(
            Gen.Choose(0, int.MaxValue).Zip(Gen.Choose(1, 5000)).ToArbitrary(),
            input =>
            {
                var (seed, largestCut) = input;
                var (stream, reads) = Conversation(new Random(seed));
                var cuts = new Random(seed ^ largestCut);
                var whole = Run(stream, reads, null);
                var cut = Run(stream, reads, () => cuts.Next(1, largestCut + 1));
                Assert.Equal(whole.Disk, cut.Disk);
                Assert.Equal(whole.Answers.Count, cut.Answers.Count);
                foreach (var (cookie, answer) in whole.Answers)
                {
                    Assert.Equal(answer.Error, cut.Answers[cookie].Error);
                    Assert.Equal(answer.Data, cut.Answers[cookie].Data);
                    Assert.Equal(answer.Extents, cut.Answers[cookie].Extents);
                }
            });
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(60), property);
    }

    [Fact]
    public void Every_request_gets_exactly_one_answer_whatever_its_fields_say()
    {
        var property = Prop.ForAll(
            Gen.Choose(0, int.MaxValue).ToArbitrary(),
            seed =>
            {
                var (stream, reads) = Conversation(new Random(seed));
                Assert.Equal(reads.Keys.Order(), Run(stream, reads, null).Answers.Keys.Order());
            });
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(60), property);
    }

    [Fact]
    [Trait("Req", "S4")]
    public void Damaged_and_random_streams_end_in_nothing_worse_than_a_protocol_error()
    {
        var property = Prop.ForAll(
            Gen.Choose(0, int.MaxValue).ToArbitrary(),
            seed =>
            {
                var random = new Random(seed);
                var (stream, _) = Conversation(random);
                for (var i = random.Next(1, 20); i > 0; i--)
                {
                    stream[random.Next(stream.Length)] = (byte)random.Next(256);
                }

                FeedHostile(stream, random);
                random.NextBytes(stream.AsSpan(4));
                FeedHostile(stream, random);
            });
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(150), property);
    }

    private static void FeedHostile(byte[] stream, Random random)
    {
        using var driver = SessionDriver.Over(new MemoryBlockDevice(Size));
        try
        {
            driver.Feed(stream, () => random.Next(1, 10_000));
        }
        catch (NbdProtocolException)
        {
            // The one way out a stream without sense may take.
        }

        Assert.InRange(driver.LargestWindow, 1, NbdProtocol.RequestSize + NbdProtocol.MaxPayload);
    }

    private static (byte[] Disk, Dictionary<ulong, NbdAnswer> Answers) Run(
        byte[] stream, Dictionary<ulong, (ulong Offset, int Length)> reads, Func<int>? cut)
    {
        var device = new MemoryBlockDevice(Size);
        using var driver = SessionDriver.Over(device);
        driver.Feed(stream, cut);
        Assert.True(driver.Ended);
        using var replies = new MemoryStream(driver.Sent);
        SkipHandshake(replies);
        var reader = new NbdReplyReader(replies, structured: true, c => reads[c]);
        var answers = new Dictionary<ulong, NbdAnswer>();
        while (replies.Position < replies.Length)
        {
            var answer = reader.Next();
            answers.Add(answer.Cookie, answer);
        }

        return (device.Bytes, answers);
    }

    private static void SkipHandshake(MemoryStream replies)
    {
        replies.Position = Greeting;
        uint option, type;
        do
        {
            var head = new byte[20];
            replies.ReadExactly(head);
            option = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(8));
            type = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(12));
            replies.Position += System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(16));
        }
        while (option != Go || type != 1);
    }

    /// <summary>A whole conversation: sound options, then requests of which some are refused, then goodbye.</summary>
    private static (byte[] Stream, Dictionary<ulong, (ulong Offset, int Length)> Reads) Conversation(Random random)
    {
        using var stream = new MemoryStream();
        var reads = new Dictionary<ulong, (ulong, int)>();
        stream.Write(ClientFlags());
        stream.Write(Option(99, 1, 2, 3));
        stream.Write(Option(StructuredReply));
        stream.Write(Option(SetMetaContext, ContextData("disk", "base:allocation")));
        stream.Write(Option(Info, InfoData("disk", 1, 2, 3)));
        stream.Write(Option(List));
        stream.Write(Option(Go, InfoData("disk", 3)));
        var count = random.Next(1, 120);
        for (var cookie = 1ul; cookie <= (ulong)count; cookie++)
        {
            var command = (ushort)(random.Next(20) == 0 ? random.Next(8, 12) : random.Next(8));
            command = command == Disconnect ? Write : command;
            var length = (uint)random.Next(0, random.Next(4) == 0 ? 100_000 : 6000);
            var offset = (ulong)random.Next(0, random.Next(10) == 0 ? Size * 2 : Size - 6000);
            var flags = (ushort)(random.Next(4) == 0 ? 1 << random.Next(7) : 0);
            (offset, length) = command == Flush && random.Next(2) == 0 ? (0, 0) : (offset, length);
            var payload = command == Write ? new byte[length] : [];
            random.NextBytes(payload);
            reads[cookie] = (offset, command == Read ? (int)length : 0);
            stream.Write(Request(command, cookie, offset, length, flags, payload));
        }

        stream.Write(Request(Disconnect, 0, 0, 0));
        return (stream.ToArray(), reads);
    }
}
