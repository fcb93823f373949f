using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Orchestration.Targets;
using ReplicationEngine.Tests.Vault.Effects;
using Xunit;

namespace ReplicationEngine.Tests.Vault.Replicas;

/// <summary>The file in a VM's directory that says whose replica it is and how far the VM's history was.</summary>
public sealed class The_identity_of_a_replica : IDisposable
{
    private static readonly ProtectedVmState State = VmLife.Protected().State;
    private static readonly ReplicaIdentity Known = ReplicaIdentity.Of(State);

    private readonly string _root = Directory.CreateTempSubdirectory("dr-identity-").FullName;
    private readonly FileStorageDirectory _directory;
    private readonly ReplicaIdentityFile _file;

    public The_identity_of_a_replica()
    {
        _directory = new FileStorageDirectory(_root);
        _file = new ReplicaIdentityFile(_directory);
    }

    private string Path => System.IO.Path.Combine(_root, ReplicaIdentityFile.FileName);

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Comes_back_as_it_was_written()
    {
        Assert.Null(_file.Read());
        for (var i = 0; i < 5; i++)
        {
            var written = Known with { Sequence = Known.Sequence + i, Term = i + 1 };
            _file.Write(written);
            var read = _file.Read()!;
            Assert.Equal(written with { Disks = read.Disks }, read);
            Assert.Equal(written.Disks, read.Disks);
        }
    }

    [Fact]
    public void Never_moves_back()
    {
        _file.Write(Known with { Sequence = 9 });
        _file.Write(Known with { Sequence = 8 });
        Assert.Equal(9, _file.Read()!.Sequence);
        _file.Replace(Known with { Sequence = 1 });
        Assert.Equal(1, _file.Read()!.Sequence);
    }

    [Fact]
    public void Grows_with_the_disks()
    {
        _file.Write(Known);
        var many = Known with
        {
            Sequence = Known.Sequence + 1,
            Disks = [.. Enumerable.Range(0, 64).Select(n => new ProtectedDisk(new string('d', 500) + n, n + 1))],
        };
        _file.Write(many);
        Assert.Equal(many.Disks, _file.Read()!.Disks);
    }

    /// <summary>A write that a power cut tears leaves the one before; a file without a whole slot says so.</summary>
    [Fact]
    public void Survives_the_loss_of_one_slot_and_tells_the_loss_of_both()
    {
        for (var sequence = 5; sequence < 9; sequence++)
        {
            _file.Write(Known with { Sequence = sequence });
        }

        var whole = File.ReadAllBytes(Path);
        var half = whole.Length / 2;
        foreach (var slot in new[] { 0, 1 })
        {
            var torn = whole.ToArray();
            torn.AsSpan(slot * half, half).Fill(0xA5);
            File.WriteAllBytes(Path, torn);
            Assert.InRange(_file.Read()!.Sequence, 7, 8);
        }

        File.WriteAllBytes(Path, new byte[whole.Length]);
        Assert.Throws<ReplicaCorruptException>(() => _file.Read());
        _file.Write(Known);
        Assert.Equal(Known.Sequence, _file.Read()!.Sequence);
    }

    [Fact]
    public void A_flipped_bit_is_never_read_as_another_identity()
    {
        _file.Write(Known with { Sequence = 5 });
        _file.Write(Known with { Sequence = 6 });
        var whole = File.ReadAllBytes(Path);
        var random = new Random(3);
        for (var i = 0; i < 300; i++)
        {
            var flipped = whole.ToArray();
            flipped[random.Next(flipped.Length)] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(Path, flipped);
            var read = _file.Read()!;
            Assert.Contains(read.Sequence, new[] { 5L, 6L });
            Assert.Equal(Known with { Sequence = read.Sequence, Disks = read.Disks }, read);
        }
    }

    [Fact]
    public void A_replica_of_another_history_is_not_the_vms_own()
    {
        MakeReplica();
        var ownership = new ReplicaOwnership(_directory);
        Assert.Contains("without an owner", ownership.WhyNot(State, []), StringComparison.Ordinal);

        _file.Write(Known with { ReplicaSince = Known.ReplicaSince.AddTicks(1) });
        Assert.Contains("another history", ownership.WhyNot(State, []), StringComparison.Ordinal);
        var prepare = new ProtectedVmEffect.PrepareTarget(State.Enrollment.Disks, State.Term)
        {
            Id = new EffectId("web/prepare-target/1"),
        };
        ownership.Begin(State, prepare);
        ownership.Begin(State, new ProtectedVmEffect.ReleaseProtection(false) { Id = prepare.Id });
        Assert.Equal(Known.ReplicaSince.AddTicks(1), _file.Read()!.ReplicaSince);

        _file.Replace(Known);
        Assert.Null(ownership.WhyNot(State, [.. State.Enrollment.Disks]));
    }

    [Fact]
    public void A_replica_of_other_disks_is_refused()
    {
        MakeReplica();
        _file.Write(Known);
        var ownership = new ReplicaOwnership(_directory);
        var disk = State.Enrollment.Disks[0];

        Assert.Contains("other disks", ownership.WhyNot(State, [disk with { Path = "/other" }])!);
        Assert.Contains("other disks", ownership.WhyNot(State, [disk, disk with { Path = "/other" }])!);
        Assert.Contains("never shrinks", ownership.WhyNot(State, [disk with { SizeBytes = disk.SizeBytes - 1 }])!);
        Assert.Null(ownership.WhyNot(State, [disk with { SizeBytes = disk.SizeBytes + 512 }]));
    }

    private void MakeReplica() => ReplicaStore.Create(
        _directory.Subdirectory(TargetVolume.StoreDirectory), new ProtectedVmId("web"),
        [new DiskSpec("/disks/a.img", 1 << 20)], new Term(1)).Dispose();
}
