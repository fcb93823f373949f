using FsCheck;
using FsCheck.Fluent;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Simulation.Storage;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Splitting;

/// <summary>Random guests, senders and failures; at any operation the process dies or the power goes.</summary>
public sealed class Source_volume_that_crashes
{
    [Fact]
    [Trait("Req", "I1")]
    [Trait("Req", "I2")]
    [Trait("Req", "I3")]
    [Trait("Req", "I13")]
    [Trait("Req", "I27")]
    public void No_crash_at_any_operation_loses_an_acknowledged_write_or_hides_a_difference()
    {
        Prop.ForAll(ArbMap.Default.ArbFor<int>(), seed => new CrashRun(seed).Run())
            .Check(Config.QuickThrowOnFailure.WithMaxTest(RunCount));
    }

    /// <summary>The torn half of a write that died was on the medium, the redo of it in the page cache only.</summary>
    [Theory]
    [InlineData(54)]
    [Trait("Req", "I3")]
    public void What_was_broken_once_is_whole(int seed) => new CrashRun(seed).Run();

    private static int RunCount =>
        int.TryParse(Environment.GetEnvironmentVariable("SOURCE_CRASH_RUNS"), out var runs) ? runs : 40;

    private sealed class CrashRun
    {
        private readonly Random _random;
        private readonly SourceWorld _world;
        private readonly GuestModel[] _guests;
        private readonly byte[] _content = new byte[4 * SourceWorld.Extent];
        private readonly List<(int Disk, int Sector, int Count, long Stamp)> _underWay = [];
        private long _stamp;
        private bool _isAttached;

        public CrashRun(int seed)
        {
            _random = new Random(seed);
            _world = new SourceWorld(seed)
            {
                CacheLimit = _random.Next(3) == 0 ? 1 << 20 : 16 << 20,
                BacklogLimit = _random.Next(4) == 0 ? 0.05 : 100,
            };
            _guests = [new GuestModel((3 * SourceWorld.Extent) + 4096), new GuestModel(2 * SourceWorld.Extent)];
        }

        public void Run()
        {
            Live(() => _world.Open());
            for (var life = 0; life < 6; life++)
            {
                var steps = _random.Next(5, 60);
                var alive = !_world.Storage.IsDead;
                if (alive && _random.Next(4) > 0)
                {
                    _world.Storage.CrashAtOperation(_world.Storage.Operations + _random.Next(1, 4 * steps));
                }

                for (var i = 0; i < steps && alive; i++)
                {
                    alive = Live(Step);
                }

                End(alive);
            }

            _world.Storage.FreeBytes = long.MaxValue / 2;
            _world.Replica.Attach(_world.Volume);
            _world.Replica.CatchUp(_world.Volume);
            _world.AssertInStep();
        }

        private void End(bool alive)
        {
            var clean = alive && _random.Next(3) == 0 && Live(_world.Volume.Close);
            var powerCut = _random.Next(2) == 0;
            _world.Crash(powerCut);
            _isAttached = false;
            _world.Storage.FreeBytes = _random.Next(4) == 0 ? _random.Next(1 << 20) : long.MaxValue / 2;
            if (_random.Next(3) == 0)
            {
                // An opening that dies too.
                _world.Storage.CrashAtOperation(_world.Storage.Operations + _random.Next(1, 40));
                if (!Live(() => _world.Open()))
                {
                    var again = _random.Next(2) == 0;
                    _world.Crash(again);
                    powerCut |= again;
                }
            }

            _world.Storage.Restart(powerCut: false);
            _world.Open();
            for (var i = 0; i < _guests.Length; i++)
            {
                var mine = _underWay.Where(w => w.Disk == i).Select(w => (w.Sector, w.Count, w.Stamp)).ToList();
                using var disk = _world.OpenDisk(i);
                disk.Read(0, _content.AsSpan(0, (int)disk.Length));
                _guests[i].Check(_content, powerCut && !clean, mine);
            }

            _underWay.Clear();
            _world.AssertEqualOutside(_world.Volume.UncertainExtents());
            CheckLogAndDirtyMap();
        }

        /// <summary>
        /// What log and dirty map carry is all that differs: with the log applied, only dirty extents may differ.
        /// </summary>
        private void CheckLogAndDirtyMap()
        {
            if (_random.Next(2) == 0)
            {
                return;
            }

            _world.Replica.Attach(_world.Volume);
            _isAttached = true;
            while (_world.Replica.Pull(_world.Volume))
            {
            }

            Assert.True(_world.Volume.Condition.Mode == CaptureMode.DirtyMap || !_world.Volume.IsResyncHeld);
            var dirty = _world.Volume.IsResyncHeld ? _world.Volume.UncertainExtents() : _world.Volume.DirtyExtents();
            _world.AssertEqualOutside(dirty);
            if (dirty.Count == 0)
            {
                _world.Replica.EndResync(_world.Volume);
                _world.AssertInStep();
            }
        }

        private bool Live(Action action)
        {
            try
            {
                action();
                return !_world.Storage.IsDead;
            }
            catch (SimulatedDeathException)
            {
                return false;
            }
        }

        private void Step()
        {
            var volume = _world.Volume;
            switch (_random.Next(20))
            {
                case < 9:
                    WriteSome();
                    break;
                case 9:
                    var disk = _random.Next(2);
                    volume.Disk(disk).Flush();
                    _guests[disk].Flushed();
                    break;
                case 10:
                    volume.InsertMarker(new RecoveryPointId(new Guid(1, 2, 3, new byte[8])), PointKind.Crash);
                    break;
                case 11:
                    _world.Time.Advance(TimeSpan.FromSeconds(40));
                    volume.Maintain();
                    break;
                case 12 when _random.Next(8) == 0:
                    volume.MarkAllDirty(DirtyCause.UserRequest);
                    break;
                case 13:
                    _world.Storage.FreeBytes = _random.Next(3) == 0 ? _random.Next(256 << 10) : long.MaxValue / 2;
                    break;
                default:
                    Send(volume);
                    break;
            }
        }

        private void Send(SourceVolume volume)
        {
            if (!_isAttached)
            {
                _world.Replica.Attach(volume);
                _isAttached = true;
            }

            switch (_random.Next(6))
            {
                case < 2:
                    _world.Replica.Pull(volume, _random.Next(1, 128 << 10));
                    break;
                case 2:
                    volume.Acknowledge(_world.Replica.Applied);
                    break;
                case 3:
                    _world.Replica.EndResync(volume);
                    break;
                default:
                    _world.Replica.CopyExtent(volume);
                    break;
            }
        }

        private void WriteSome()
        {
            var disk = _random.Next(2);
            var changes = new BlockChange[_random.Next(1, 5)];
            var isDurable = false;
            _underWay.Clear();
            for (var i = 0; i < changes.Length; i++)
            {
                var count = _random.Next(4) == 0 ? _random.Next(1, 256) : _random.Next(1, 9);
                var sector = _random.Next(_guests[disk].Sectors - count);
                var stamp = _random.Next(5) == 0 ? 0 : ++_stamp;
                var data = new byte[count * GuestModel.Sector];
                GuestModel.Fill(data, stamp);
                changes[i] = stamp == 0
                    ? BlockChange.Zeroes((long)sector * GuestModel.Sector, data.Length, _random.Next(2) == 0)
                    : BlockChange.Write((long)sector * GuestModel.Sector, data);
                _underWay.Add((disk, sector, count, stamp));
                if (_random.Next(10) == 0)
                {
                    changes[i] = changes[i] with { ForceUnitAccess = true };
                    isDurable = true;
                }
            }

            _world.Volume.Disk(disk).Write(changes);
            _underWay.ForEach(w => _guests[disk].Wrote(w.Sector, w.Count, w.Stamp));
            _underWay.Clear();
            if (isDurable)
            {
                _guests[disk].Flushed();
            }
        }
    }
}
