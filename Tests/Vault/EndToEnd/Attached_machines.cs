using ReplicationEngine.Tests.TestKit;
using Xunit;

namespace ReplicationEngine.Tests.Vault.EndToEnd;

/// <summary>QEMU's own tools take what <c>--print qemu</c> says, through a shell as an operator does.</summary>
public sealed class Attached_machines : IDisposable
{
    private readonly Lab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task Qemu_opens_each_disk_by_its_printed_words_whatever_the_sockets_path_holds()
    {
        OutsideTool.Require("qemu-io", "qemu-utils");
        var shell = OutsideTool.Require("sh", "dash");
        await _lab.StartServiceAsync();
        await _lab.StartAgentAsync("--nbd-socket", Path.Combine(_lab.Root, "s ,&<>\"'$`\\.sock"));
        await LabVm.Make(_lab, "web", disks: 2, mebibytes: 4).ProtectAsync();
        var printed = await _lab.RunAsync("uri", "web", "--print", "qemu");
        Assert.Equal(0, printed.Code);
        const string option = "-blockdev ";
        var words = printed.Output.Split('\n')
            .Where(line => line.StartsWith(option, StringComparison.Ordinal))
            .Select(line => line[option.Length..].TrimEnd('\\', ' ')).ToList();
        Assert.Equal(2, words.Count);
        for (var i = 0; i < words.Count; i++)
        {
            var written = shell.Run(
                "-c", $"exec qemu-io --image-opts {words[i]} -c 'write -P {65 + i} 64k 4k' -c flush");
            Assert.True(written.ExitCode == 0, $"{words[i]}: {written.Output}{written.Errors}");
        }

        for (var i = 0; i < words.Count; i++)
        {
            var disk = await File.ReadAllBytesAsync(
                Path.Combine(_lab.SiteA, $"web-{i}.img"), TestContext.Current.CancellationToken);
            Assert.All(disk.AsSpan(64 << 10, 4 << 10).ToArray(), b => Assert.Equal(65 + i, b));
        }
    }
}
