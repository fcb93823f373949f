using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas.InPlace;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Simulation.Storage;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Replicas;

public sealed class In_place_replica_of_an_old_source
{
    private static readonly ProtectedVmId s_vm = new("vm");
    private readonly SimulatedStorage _storage = new(2);
    private readonly ByteDevice _device = new(200_000);
    private long _lsn;

    [Fact]
    [Trait("Req", "FOV-6")]
    [Trait("Req", "I16")]
    public void The_disk_equals_the_stream_and_the_replaced_differences_are_listed()
    {
        var wanted = new byte[200_000];
        new Random(5).NextBytes(wanted);
        wanted.CopyTo(_device.Bytes, 0);
        _device.Bytes[5000] ^= 1;
        _device.Bytes[9000] ^= 1;
        _device.Bytes[150_000] ^= 1;
        using var replica = Open(new Term(2));
        replica.Apply(Record(ChangeKind.GenerationStart, 0, 0, []));
        Assert.True(replica.Position.Resyncing);
        for (var at = 0; at < wanted.Length; at += 65536)
        {
            var data = wanted.AsSpan(at, Math.Min(65536, wanted.Length - at)).ToArray();
            replica.Apply(Record(ChangeKind.ResyncData, at, data.Length, data));
        }

        replica.EndResync(new ChangePosition(new Generation(1), new Lsn(1)));
        Assert.False(replica.Position.Resyncing);
        Assert.Equal(wanted, _device.Bytes);
        Assert.Equal(3 * 4096, replica.OverwrittenBytes);
        Assert.Equal([(4096L, 8192L), (147456L, 4096L)], replica.OverwrittenRanges.Select(r => (r.Offset, r.Length)));
        Assert.Equal(new ChangePosition(new Generation(1), new Lsn(1)), replica.Sync());
        Assert.Equal(1, _device.Flushes);
    }

    [Fact]
    [Trait("Req", "I5")]
    public void After_a_power_cut_the_stream_goes_on_from_the_durable_position()
    {
        var replica = Open(new Term(2));
        replica.Apply(Record(ChangeKind.GenerationStart, 0, 0, []));
        replica.EndResync(new ChangePosition(new Generation(1), new Lsn(1)));
        replica.Apply(Record(ChangeKind.Write, 0, 3, [1, 1, 1]));
        var durable = replica.Sync();
        var later = Record(ChangeKind.Write, 1, 1, [7]);
        replica.Apply(later);
        _storage.Restart(powerCut: true);
        replica = Open(new Term(2));
        Assert.Equal(durable, replica.Position.Durable);
        Assert.False(replica.Position.Resyncing);
        replica.Apply(later);
        replica.Apply(later);
        Assert.Equal([1, 7, 1], _device.Bytes[..3]);
        var refusal = Assert.Throws<ReplicaRefusedException>(() => Open(new Term(1)));
        Assert.Equal(ReplicaRefusal.StaleTerm, refusal.Reason);
    }

    [Fact]
    [Trait("Req", "I28")]
    public void What_a_failed_flush_left_to_the_cache_alone_is_not_taken_for_equal()
    {
        var storage = new SimulatedStorage(3);
        var file = storage.Root.Open("disk", StorageOpen.New);
        file.Allocate(0, 1 << 16);
        file.Sync();
        storage.Root.Sync();
        var written = new byte[1 << 16];
        new Random(5).NextBytes(written);
        using (var guests = new FileBlockDevice(file))
        {
            guests.Write([BlockChange.Write(0, written)]);
            storage.FailsToSync = _ => true;
            Assert.Throws<BlockDeviceException>(guests.Flush);
            storage.FailsToSync = _ => false;
        }

        using var device = new FileBlockDevice(storage.Root.Open("disk", StorageOpen.Existing));
        using var replica = InPlaceReplica.Open(_storage.Root, s_vm, [new SourceDisk("disk", device)], new Term(2));
        var differs = new bool[1];
        replica.CompareBlocks(0, 0, System.Security.Cryptography.SHA256.HashData(written), differs);
        Assert.True(differs[0]);
    }

    [Fact]
    [Trait("Req", "I28")]
    public void A_failed_flush_is_never_acknowledged()
    {
        var replica = Open(new Term(2));
        replica.Apply(Record(ChangeKind.GenerationStart, 0, 0, []));
        _device.FlushFails = true;
        Assert.Throws<ReplicaRefusedException>(() => replica.Sync());
        _device.FlushFails = false;
        Assert.Throws<ReplicaRefusedException>(() => replica.Sync());
        Assert.Equal(Lsn.None, replica.Position.Durable.Lsn);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("Req", "I20")]
    public void A_death_while_the_state_is_made_leaves_one_that_opens_and_has_all_to_compare(bool powerCut)
    {
        for (var operation = 1; operation <= 8; operation++)
        {
            for (var seed = 0; seed < 10; seed++)
            {
                var storage = new SimulatedStorage(seed);
                storage.CrashAtOperation(operation);
                try
                {
                    InPlaceReplica.Open(storage.Root, s_vm, [new SourceDisk("d0", _device)], new Term(2)).Dispose();
                }
                catch (SimulatedDeathException)
                {
                    storage.Kill();
                }

                using var replica = InPlaceReplica.Open(
                    storage.Restart(powerCut), s_vm, [new SourceDisk("d0", _device)], new Term(2));
                Assert.True(replica.Position.Resyncing);
                Assert.Equal(new Term(2), replica.Position.Term);
            }
        }
    }

    [Fact]
    [Trait("Req", "I7")]
    public void A_state_whose_slots_are_both_damaged_is_refused()
    {
        var storage = new SimulatedStorage(1);
        using (var replica = InPlaceReplica.Open(storage.Root, s_vm, [new SourceDisk("d0", _device)], new Term(2)))
        {
            replica.Apply(Record(ChangeKind.GenerationStart, 0, 0, []));
            replica.Sync();
        }

        storage.Flip("state", 20, 3);
        storage.Flip("state", (128 << 10) + 20, 3);
        Assert.Throws<ReplicaCorruptException>(() =>
            InPlaceReplica.Open(storage.Root, s_vm, [new SourceDisk("d0", _device)], new Term(2)));
    }

    private InPlaceReplica Open(Term term) =>
        InPlaceReplica.Open(_storage.Root, s_vm, [new SourceDisk("d0", _device)], term);

    private byte[] Record(ChangeKind kind, long offset, long length, byte[] data)
    {
        var lsn = kind is ChangeKind.ResyncData ? Lsn.None : new Lsn(++_lsn);
        var header = new ChangeHeader(kind, 0, new Generation(1), lsn, offset, length, Lsn.None,
            DateTimeOffset.UnixEpoch, data.Length);
        var record = new byte[header.EncodedLength];
        ChangeRecord.Encode(header, data, record);
        return record;
    }

    private sealed class ByteDevice(int size) : IBlockDevice
    {
        public byte[] Bytes { get; } = new byte[size];

        public int Flushes { get; private set; }

        public bool FlushFails { get; set; }

        public long Length => Bytes.Length;

        public void Read(long offset, Span<byte> destination) =>
            Bytes.AsSpan((int)offset, destination.Length).CopyTo(destination);

        public void Write(ReadOnlySpan<BlockChange> changes)
        {
            foreach (var change in changes)
            {
                Bytes.AsSpan((int)change.Offset, (int)change.Length).Clear();
                change.Data.Span.CopyTo(Bytes.AsSpan((int)change.Offset));
            }
        }

        public void Flush()
        {
            if (FlushFails)
            {
                throw new BlockDeviceException("the flush failed", BlockDeviceException.InputOutput);
            }

            Flushes++;
        }

        public AllocatedRun NextRun(long offset, long length) => new(length, AllocationState.Data);

        public void Dispose()
        {
        }
    }
}
