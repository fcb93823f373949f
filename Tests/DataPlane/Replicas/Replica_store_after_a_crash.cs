using FsCheck;
using FsCheck.Fluent;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas.Overlays;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Simulation.Storage;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Replicas;

public sealed class Replica_store_after_a_crash
{
    [Fact]
    [Trait("Req", "I4")]
    [Trait("Req", "I12")]
    [Trait("Req", "I25")]
    public void A_kill_at_any_call_loses_nothing_that_was_applied() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(25),
            Prop.ForAll(ArbMap.Default.ArbFor<int>(), seed => Run(seed, powerCut: false)));

    [Fact]
    [Trait("Req", "I3")]
    [Trait("Req", "I4")]
    [Trait("Req", "I12")]
    [Trait("Req", "I25")]
    public void A_power_cut_at_any_call_loses_nothing_that_was_synced() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(40),
            Prop.ForAll(ArbMap.Default.ArbFor<int>(), seed => Run(seed, powerCut: true)));

    [Fact]
    [Trait("Req", "I4")]
    [Trait("Req", "I7")]
    public void A_lost_end_of_a_segment_is_noticed_when_a_newer_segment_follows()
    {
        var storage = new SimulatedStorage(3);
        var driver = new StoreDriver(storage, new Random(3), 300 << 10);
        driver.Create();
        driver.StartGeneration();
        driver.CopyAll(writes: false);
        driver.Mark();
        driver.Store.Sync();
        var older = Logs(storage)[^1];
        var (lost, length) = (0L, storage.LengthOf(older));
        while (Logs(storage)[^1] == older)
        {
            driver.Write();
            var now = storage.LengthOf(older);
            (lost, length) = now > length ? (length, now) : (lost, length);
        }

        // The last write into the older segment never reached the medium, the newer segment did.
        Assert.NotEqual(0, lost);
        driver.Write();
        driver.Store.Dispose();
        using (var file = storage.Root.Open(older, StorageOpen.Existing))
        {
            file.SetLength(lost);
        }

        driver.Open();
        var at = driver.Store.Applied;
        Assert.True(at.Lsn.Value < driver.At.Lsn.Value - 1, $"the replica stands at {at}, behind a gap");
        Assert.Equal(older, Logs(storage)[^1]);
        driver.CheckPoints();
    }

    private static string[] Logs(SimulatedStorage storage) =>
        [.. storage.Paths().Where(n => n.StartsWith("log-", StringComparison.Ordinal))];

    private static void Run(int seed, bool powerCut)
    {
        try
        {
            new CrashRun(seed, powerCut).Execute();
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"seed {seed}, power cut {powerCut}: {e.Message}", e);
        }
    }
}

/// <summary>One run: work until the crash, open, check, go on, several times over.</summary>
internal sealed class CrashRun
{
    private readonly SimulatedStorage _storage;
    private readonly StoreDriver _driver;
    private readonly Random _random;
    private readonly bool _powerCut;
    private readonly HashSet<RecoveryPointId> _listed = [];
    private ChangePosition _synced;
    private OverlayModel? _overlay;

    public CrashRun(int seed, bool powerCut)
    {
        (_random, _powerCut, _storage) = (new Random(seed), powerCut, new SimulatedStorage(seed));
        _driver = new StoreDriver(_storage, _random, (500 << 10) + 700, 200 << 10);
        _random.NextBytes(_driver.Disks[0].AsSpan(50_000, 200_000));
    }

    public void Execute()
    {
        _driver.Create();
        for (var crash = 0; crash < 4; crash++)
        {
            _storage.CrashAtOperation(_storage.Operations + _random.Next(6, crash == 0 ? 151 : 401));
            try
            {
                Work(crash);
            }
            catch (SimulatedDeathException)
            {
                Survive();
                continue;
            }

            _storage.CrashAtOperation(long.MaxValue);
        }

        _driver.Resume();
        var id = _driver.Mark();
        _driver.Store.Sync();
        _driver.CheckPoint(id);
        while (_driver.Store.Maintain(TimeSpan.FromSeconds(1)))
        {
        }

        _driver.CheckPoints();
        Assert.All(_driver.Store.Points, p => Assert.True(_driver.Store.Verify(p.Id).IsSound));
        _driver.Store.Dispose();
    }

    private void Work(int round)
    {
        if (round == 0)
        {
            _driver.StartGeneration();
            _driver.CopyAll(writes: true);
        }
        else
        {
            _driver.Resume();
        }

        for (var i = 0; i < 40; i++)
        {
            Step();
        }
    }

    private void Step()
    {
        var store = _driver.Store;
        switch (_random.Next(12))
        {
            case < 4:
                _driver.Write(_random.Next(1, 10));
                break;
            case < 6:
                _driver.Mark();
                break;
            case 6 or 7:
                _synced = store.Sync();
                _listed.UnionWith(store.Points.Select(p => p.Id));
                break;
            case 8 or 9:
                store.Maintain(TimeSpan.FromMilliseconds(_random.Next(5)));
                break;
            case 10:
                var ids = store.Points.Select(p => p.Id).Where(_ => _random.Next(2) == 0).ToList();
                _listed.ExceptWith(ids);
                store.Prune(ids);
                break;
            default:
                UseOverlay();
                break;
        }
    }

    private void UseOverlay()
    {
        if (_overlay is null)
        {
            var points = _driver.Store.Points;
            if (points.Count == 0)
            {
                return;
            }

            var point = points[_random.Next(points.Count)];
            var name = $"live-{_storage.Operations}";
            var overlay = _driver.Store.CreateOverlay(name, point.Id);
            _overlay = new OverlayModel(name, [.. _driver.Points[point.Id][0]]);
            _overlay.Handle = overlay;
        }

        for (var i = 0; i < 5; i++)
        {
            _overlay.Write(_random);
        }
    }

    private void Survive()
    {
        _storage.Restart(_powerCut);
        _driver.Open();
        var position = _driver.Store.Position;
        Assert.True(position.Durable.CompareTo(_synced) >= 0,
            $"durable {position.Durable} is behind what was synced, {_synced}");
        Assert.True(position.Durable.CompareTo(_driver.At) <= 0, "durable is ahead of what was sent");
        var points = _driver.Store.Points.Select(p => p.Id).ToHashSet();
        Assert.True(_listed.IsSubsetOf(points), "a listed point is gone");
        Assert.All(_driver.Store.Points, p => Assert.True(p.Usable, p.UnusableBecause));
        _driver.CheckPoints();
        _synced = position.Durable;
        if (_overlay is not null && !_overlay.Check(_driver.Store, _powerCut))
        {
            _overlay = null;
        }
    }
}

/// <summary>What an overlay's first disk may hold after a crash.</summary>
internal sealed class OverlayModel(string name, byte[] content)
{
    private readonly List<byte[]> _possible = [[.. content]];

    public ReplicaOverlay Handle { get; set; } = null!;

    public void Write(Random random)
    {
        var data = new byte[random.Next(1, 9000)];
        random.NextBytes(data);
        var offset = random.Next(content.Length - data.Length);
        data.CopyTo(content.AsSpan(offset));
        _possible.Add([.. content]);
        Handle.Disks[0].Write([BlockChange.Write(offset, data)]);
        if (random.Next(3) == 0)
        {
            Handle.Disks[0].Flush();
            _possible.RemoveRange(0, _possible.Count - 1);
        }
    }

    /// <summary>False when the overlay was never made.</summary>
    public bool Check(ReplicationEngine.DataPlane.Replicas.ReplicaStore store, bool powerCut)
    {
        if (!store.Overlays.Contains(name))
        {
            return false;
        }

        Handle = store.OpenOverlay(name);
        var found = StoreDriver.ReadAll(Handle.Disks[0]);
        var index = _possible.FindLastIndex(p => p.AsSpan().SequenceEqual(found));

        // Only the write that was under way may be missing after a kill; what was flushed is the first that is
        // possible.
        Assert.True(index >= (powerCut ? 0 : Math.Max(0, _possible.Count - 2)),
            $"the overlay holds none of {_possible.Count} possible contents");
        found.CopyTo(content, 0);
        _possible.Clear();
        _possible.Add(found);
        return true;
    }
}
