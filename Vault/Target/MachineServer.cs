using ReplicationEngine.DataPlane.Nbd;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.Orchestration.Targets;

namespace ReplicationEngine.Vault.Target;

/// <summary>Serves the disks of a VM's recovered machines over NBD, as <c>VM-MACHINE-NUMBER</c>.</summary>
internal sealed class MachineServer(string vm, DiskServer server) : IMachineServer
{
    /// <inheritdoc/>
    public async Task<IReadOnlyList<RecoveredDisk>> ServeAsync(
        string machine, IReadOnlyList<(string Path, IBlockDevice Device)> disks, CancellationToken ct)
    {
        var served = new List<RecoveredDisk>();
        foreach (var (path, device) in disks)
        {
            var export = $"{vm}-{machine}-{served.Count}";
            var uri = await server.ServeAsync(
                export, device, readOnly: false, $"disk {served.Count} of {vm} ({machine})", ct);
            served.Add(new RecoveredDisk(path, export, uri, device.Length));
        }

        return served;
    }

    /// <inheritdoc/>
    public async Task StopAsync(RecoveredMachine machine)
    {
        foreach (var disk in machine.Disks)
        {
            await server.StopAsync(disk.Name, CancellationToken.None);
        }
    }
}
