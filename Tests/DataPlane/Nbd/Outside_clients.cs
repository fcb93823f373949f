using System.Security.Cryptography;
using System.Text.Json;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Nbd;
using ReplicationEngine.Tests.TestKit;
using ReplicationEngine.Tests.TestKit.Nbd;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Nbd;

/// <summary>Clients of other people judge the server, over each kind of disk that the product serves.</summary>
public abstract class Outside_clients : IAsyncDisposable
{
    /// <summary>The size of the disk served.</summary>
    protected const int Size = 64 << 20;

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("nbd-outside-");
    private readonly ServedDisk _disk;
    private readonly IBlockDevice _device;
    private readonly TestServer _server;

    /// <summary>Serves what a kind of disk opens in a directory of the test.</summary>
    protected Outside_clients(Func<string, ServedDisk> open)
    {
        _disk = open(_directory.FullName);
        _device = _disk.Device;
        _server = new TestServer(_device);
    }

    /// <summary>An empty file of the disk's size.</summary>
    protected static string MakeDisk(string directory)
    {
        var disk = Path.Combine(directory, "disk");
        using var file = File.Create(disk);
        file.SetLength(Size);
        return disk;
    }

    [Fact]
    public void Nbdinfo_sees_the_export_and_what_it_can_do()
    {
        var tool = OutsideTool.Require("nbdinfo", "libnbd-bin");
        using var json = JsonDocument.Parse(tool.Run("--json", _server.Uri).Succeeded());
        var export = json.RootElement.GetProperty("exports")[0];
        Assert.Equal(Size, export.GetProperty("export-size").GetInt64());
        Assert.Equal(32 << 20, export.GetProperty("block_size_maximum").GetInt32());
        Assert.Equal("base:allocation", export.GetProperty("contexts")[0].GetString());
        string[] always = ["df", "flush", "fua", "multi-conn", "trim", "zero", "cache"];
        foreach (var can in _device.HasFastZeroes ? always.Append("fast-zero") : always)
        {
            Assert.Equal(0, tool.Run("--can", can, _server.Uri).ExitCode);
        }

        Assert.Equal(2, tool.Run("--is", "read-only", _server.Uri).ExitCode);
        _server.Server.AddExport(new NbdExport("Ünïcode name", _device));
        var list = tool.Run("--list", _server.Uri).Succeeded();
        Assert.Contains("export=\"disk\"", list, StringComparison.Ordinal);
        Assert.Contains("Ünïcode name", list, StringComparison.Ordinal);
        Assert.NotEqual(0, tool.Run(_server.Listener.UriOf("unknown")).ExitCode);
    }

    [Fact]
    public void Nbdinfo_maps_data_and_holes()
    {
        var tool = OutsideTool.Require("nbdinfo", "libnbd-bin");
        _device.Write([BlockChange.Write(1 << 20, Random(1 << 20, 1))]);
        using var json = JsonDocument.Parse(tool.Run("--map", "--json", _server.Uri).Succeeded());
        var runs = json.RootElement.EnumerateArray()
            .Select(r => (Number(r, "offset"), Number(r, "length"), Number(r, "type")));
        Assert.Equal([(0, 1 << 20, 3), (1 << 20, 1 << 20, 0), (2 << 20, Size - (2 << 20), 3)], runs);
    }

    [Fact]
    public void Nbdcopy_brings_an_image_in_and_out_unchanged()
    {
        var tool = OutsideTool.Require("nbdcopy", "libnbd-bin");
        var image = Path.Combine(_directory.FullName, "image");
        var back = Path.Combine(_directory.FullName, "back");
        using (var file = File.Create(image))
        {
            file.Write(Random(10 << 20, 2));
            file.Position = 30 << 20;
            file.Write(Random(5 << 20, 3));
            file.SetLength(Size);
        }

        tool.Run("--flush", image, _server.Uri).Succeeded();
        tool.Run(_server.Uri, back).Succeeded();
        Assert.Equal(Hash(image), Hash(back));
    }

    [Fact]
    public void Nbdsh_finds_the_protocols_errors_at_every_boundary()
    {
        var tool = OutsideTool.Require("nbdsh", "python3-libnbd");
        _server.Server.AddExport(new NbdExport("ro", _device, readOnly: true));
        var script = $$"""
            import errno
            h.set_strict_mode(0)
            h.connect_uri("{{_server.Uri}}")
            size = h.get_size()
            def fails(number, call):
                try:
                    call()
                except nbd.Error as e:
                    assert e.errnum == number, (e.errnum, number)
                else:
                    raise AssertionError("no error, expected %d" % number)
            h.pwrite(b"x" * 512, size - 512)
            assert h.pread(512, size - 512) == b"x" * 512
            fails(errno.ENOSPC, lambda: h.pwrite(b"x" * 512, size - 511))
            fails(errno.ENOSPC, lambda: h.zero(512, size))
            fails(errno.EINVAL, lambda: h.pread(512, size - 511))
            fails(errno.EINVAL, lambda: h.trim(512, size))
            fails(errno.EINVAL, lambda: h.pread(0, 0))
            fails(errno.EINVAL, lambda: h.pwrite(b"", 0))
            fails(errno.EINVAL, lambda: h.block_status(512, size, lambda *a: 0))
            fails(errno.EINVAL, lambda: h.pwrite(b"x", 0, 1 << 7))
            h.pwrite(b"y" * (32 << 20), 7, nbd.CMD_FLAG_FUA)
            assert h.pread(32 << 20, 7) == b"y" * (32 << 20)
            assert h.pread(1 << 20, 9, nbd.CMD_FLAG_DF) == b"y" * (1 << 20)
            h.zero(1 << 20, 0, nbd.CMD_FLAG_NO_HOLE)
            if h.can_fast_zero():
                h.zero(1 << 20, 1 << 20, nbd.CMD_FLAG_FAST_ZERO)
            else:
                fails(errno.EINVAL, lambda: h.zero(1 << 20, 1 << 20, nbd.CMD_FLAG_FAST_ZERO))
                h.zero(1 << 20, 1 << 20)
            h.trim(1 << 20, 2 << 20)
            assert h.pread(3 << 20, 0) == bytes(3 << 20)
            h.cache(1 << 20, 0)
            h.flush()
            cookies = [h.aio_pwrite(nbd.Buffer.from_bytearray(bytearray([i]) * 4096), i * 4096) for i in range(200)]
            while h.aio_in_flight() > 0:
                h.poll(-1)
            assert all(h.aio_command_completed(c) for c in cookies)
            assert all(h.pread(4096, i * 4096) == bytes([i]) * 4096 for i in range(200))
            h.shutdown()
            r = nbd.NBD()
            r.set_strict_mode(0)
            r.connect_uri("{{_server.Listener.UriOf("ro")}}")
            fails(errno.EPERM, lambda: r.pwrite(b"x", 0))
            fails(errno.EPERM, lambda: r.trim(1, 0))
            fails(errno.EPERM, lambda: r.zero(1, 0))
            r.shutdown()
            print("boundaries hold")
            """;
        Assert.Contains("boundaries hold", tool.Run("-c", script).Succeeded(), StringComparison.Ordinal);
    }

    [Fact]
    public void Qemu_io_reads_back_the_patterns_it_wrote()
    {
        var tool = OutsideTool.Require("qemu-io", "qemu-utils");
        string[] commands =
        [
            "write -P 17 0 3M", "write -P 18 -f 1M 64k", "write -z 2M 128k", "write -z -u 2560k 128k",
            "discard 512k 256k", "aio_write -P 19 8M 1M", "aio_write -P 20 10M 1M", "aio_flush", "flush",
            "read -P 17 0 512k", "read -P 0 512k 256k", "read -P 18 1M 64k", "read -P 0 2M 128k",
            "read -P 0 2560k 128k",
            "read -P 19 8M 1M", "read -P 20 10M 1M",
        ];
        var output = tool.Run(["-f", "raw", .. commands.SelectMany(c => new[] { "-c", c }), _server.Uri]).Succeeded();
        Assert.DoesNotContain("Pattern verification failed", output, StringComparison.Ordinal);
        Assert.DoesNotContain("failed", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("randwrite", "4k-4k", 64)]
    [InlineData("randrw", "1k-300k", 16)]
    public void Fio_verifies_by_checksum_what_it_wrote(string pattern, string blockSize, int depth)
    {
        var tool = OutsideTool.Require("fio", "fio");
        tool.Run(
            "--name=verify", "--ioengine=nbd", $"--uri={_server.Uri}", $"--rw={pattern}", $"--bsrange={blockSize}",
            $"--iodepth={depth}", "--size=32m", "--verify=crc32c", "--do_verify=1", "--verify_fatal=1", "--fsync=64",
            "--randseed=7").Succeeded();
    }

    [Fact]
    public void Tcp_serves_the_same_clients()
    {
        var tool = OutsideTool.Require("nbdinfo", "libnbd-bin");
        var listener = _server.Server.ListenTcp(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        Assert.Equal($"{Size}", tool.Run("--size", listener.UriOf("disk")).Succeeded().Trim());
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        await _server.DisposeAsync();
        _device.Dispose();
        _disk.Close();
        _directory.Delete(recursive: true);
    }

    private static long Number(JsonElement run, string name) => run.GetProperty(name).GetInt64();

    private static byte[] Random(int count, int seed)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static string Hash(string path) => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(path)));
}
