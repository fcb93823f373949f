using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Orchestration.Targets;
using ReplicationEngine.Persistence.Replay;
using ReplicationEngine.Vault.Replicas;
using Xunit;

namespace ReplicationEngine.Tests.Vault.Replicas;

/// <summary>What <c>drctl recover</c> leaves in place of a lost journal.</summary>
public sealed class A_journal_made_from_replicas : IDisposable
{
    private static readonly RecoveryHints Hints = new("agent-1", null, 0);

    private readonly string _data = Directory.CreateTempSubdirectory("dr-recover-").FullName;

    public A_journal_made_from_replicas()
    {
        foreach (var vm in new[] { "db", "web" })
        {
            var directory = Path.Combine(_data, "vms", vm);
            Directory.CreateDirectory(directory);
            ReplicaStore.Create(
                new FileStorageDirectory(directory).Subdirectory(TargetVolume.StoreDirectory), new ProtectedVmId(vm),
                [new DiskSpec($"/disks/{vm}.img", 1 << 20)], new Term(4)).Dispose();
        }
    }

    public void Dispose() => Directory.Delete(_data, recursive: true);

    [Fact]
    [Trait("Req", "I17")]
    public void Is_sound_and_holds_the_commands_that_were_decided()
    {
        var (vms, aside) = Recover(replace: false);

        Assert.Null(aside);
        Assert.Equal(["db", "web"], vms.Select(vm => vm.State.Enrollment.Vm.Value));
        using var journal = RecordedJournal.OpenStore(_data);
        Assert.Empty(new JournalVerification(journal, EntityReplays.OfTheEngine).Run(null, default).Damages);
        Assert.All(
            journal.Streams,
            id => Assert.StartsWith("protected-vm.command.recover", journal.Read(id).Last().Event.Command!.Name));
        Assert.Equal(2, new JournalFile(_data).Ends()!.Count);
    }

    [Fact]
    public void Is_not_made_anew_while_it_fits_and_is_kept_aside_when_it_does_not()
    {
        Recover(replace: false);
        Assert.Throws<VaultRefusedException>(() => Recover(replace: false));
        Assert.Throws<VaultRefusedException>(() => Recover(replace: true));

        var bytes = File.ReadAllBytes(Path.Combine(_data, RecordedJournal.FileName));
        bytes[bytes.AsSpan().IndexOf("agent-1"u8)] ^= 1;
        File.WriteAllBytes(Path.Combine(_data, RecordedJournal.FileName), bytes);
        var (_, aside) = Recover(replace: true);
        Assert.Equal(bytes, File.ReadAllBytes(aside!));
        using var journal = RecordedJournal.OpenStore(_data);
        Assert.True(new JournalVerification(journal, EntityReplays.OfTheEngine).Run(null, default).IsSound);
    }

    private (IReadOnlyList<RecoveredVm> Vms, string? SetAside) Recover(bool replace) =>
        new JournalRecovery(_data, TimeProvider.System).Run(replace, Hints, default);
}
