using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Simulation.Storage;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Splitting;

/// <summary>The bytes of the volume's small files, as docs/formats/source.md gives them.</summary>
public sealed class Stored_forms_of_a_source
{
    private static readonly DateTimeOffset Time = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    private static readonly VolumeState State = new()
    {
        Vm = new ProtectedVmId("vm"),
        Disks = 
        [
            new VolumeStateDisk("/a", 1 << 20, new DiskObservation("file:8:1:7", false, 1 << 20, null, Time)),
            new VolumeStateDisk("/b", 5, null),
        ],
        Term = new Term(2),
        Generation = new Generation(3),
        Mode = CaptureMode.DirtyMap,
        Cause = DirtyCause.NoSpace,
        BootId = "boot",
        Clean = true,
        Attached = true,
        Newest = new Lsn(9),
        Completed = new Lsn(8),
        AcknowledgedFloor = new ChangePosition(new Generation(1), new Lsn(7)),
        FloorMark = new HistoryMark(0xABCD),
        LastLogged = new MarkedPosition(new ChangePosition(new Generation(1), new Lsn(8)), new HistoryMark(0xEF)),
        Incarnations = [new Guid("00112233-4455-6677-8899-aabbccddeeff")],
        CacheLimitBytes = 4096,
    };

    [Fact]
    public void The_state_has_the_bytes_it_always_had()
    {
        Assert.Equal(
            "02766D04626F6F7402000000000000000300000000000000010305090000000000000008000000000000000100000000"
            + "0000000700000000000000CDAB00000000000001000000000000000800000000000000EF000000000000000010000000"
            + "000000010000112233445566778899AABBCCDDEEFF0200022F610000100000000000010A66696C653A383A313A370000"
            + "0010000000000000000000000000008000B796AB49DE08022F62050000000000000000",
            Convert.ToHexString(State.Encode()));
        var read = VolumeState.Decode(State.Encode());
        Assert.Equal(State.Disks, read.Disks);
        Assert.Equal(State.Incarnations, read.Incarnations);
        Assert.Equal(State with { Disks = read.Disks, Incarnations = read.Incarnations }, read);
    }

    [Fact]
    public void A_page_of_the_map_has_the_bytes_it_always_had()
    {
        var storage = new SimulatedStorage(1);
        var map = MapFile.Create(storage.Root, disk: 3, extents: 40_000, dirty: true);
        map.Store(ExtentMark.Active, new ExtentBits(40_000), [new ExtentRun(32_639, 32_641)]);
        var bytes = storage.Content("map-3");
        Assert.Equal(4 * 4096, bytes.Length);
        Assert.Equal("C7607FE3434D4150000000000300000100000000000000000000000000000080", Convert.ToHexString(bytes, 0,
            24) + Convert.ToHexString(bytes, 4088, 8));
        Assert.Equal("24E96C5E434D41500100000003000101FFFFFFFFFFFFFFFF", Convert.ToHexString(bytes, 4096, 24));
        Assert.Equal("64656F6F434D415002000000030000010300000000000000", Convert.ToHexString(bytes, 8192, 24));
        var again = MapFile.Open(storage.Root, 3, 40_000);
        Assert.Equal([32_639, 32_640, 32_641], again.Load(ExtentMark.Active).SetBits());
        Assert.Equal(40_000, again.Load(ExtentMark.Dirty).Population);
        Assert.False(again.HadDamage);
    }

    [Fact]
    public void Any_flip_in_a_map_page_reads_as_all_set()
    {
        for (var at = 0; at < 4096; at += 37)
        {
            var storage = new SimulatedStorage(1);
            MapFile.Create(storage.Root, disk: 0, extents: 100, dirty: false).Dispose();
            storage.Flip("map-0", at, 2);
            Assert.Equal(100, MapFile.Open(storage.Root, 0, 100).Load(ExtentMark.Active).Population);
        }
    }
}
