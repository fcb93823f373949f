using System.Text;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.Tests.TestKit;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Blocks;

public sealed class Images_in_a_format_of_their_own : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("formats-");

    [Theory]
    [InlineData("qcow2", "qcow2")]
    [InlineData("qcow", "qcow2")]
    [InlineData("qed", "qed")]
    [InlineData("vmdk", "vmdk")]
    [InlineData("vdi", "vdi")]
    [InlineData("vpc", "vhd")]
    [InlineData("vpc", "vhd", "subformat=fixed")]
    [InlineData("vmdk", "vmdk", "subformat=monolithicFlat")]
    [InlineData("vhdx", "vhdx")]
    [InlineData("parallels", "parallels")]
    [InlineData("raw", null)]
    public void Qemu_makes_them_and_they_are_recognized(string made, string? known, string? option = null)
    {
        var path = In("image");
        var result = OutsideTool.Require("qemu-img", "qemu-utils").Run(
            ["create", "-q", "-f", made, .. (option is null ? (string[])[] : ["-o", option]), path, "2M"]);
        Assert.SkipWhen(
            result.Errors.Contains("Unknown file format", StringComparison.OrdinalIgnoreCase)
                || result.Errors.Contains("does not support", StringComparison.Ordinal),
            $"this qemu-img makes no {made}: {result.Errors.Trim()}");
        result.Succeeded();
        Assert.Equal(known, Of(path));
    }

    [Theory]
    [InlineData("")]
    [InlineData("Q")]
    [InlineData("conect")]
    [InlineData("QFIx and more")]
    public void Plain_bytes_of_any_length_are_plain(string text)
    {
        File.WriteAllText(In("plain"), "x" + text, Encoding.Latin1);
        Assert.Null(Of(In("plain")));
        File.WriteAllText(In("plain"), text + "x", Encoding.Latin1);
        Assert.Null(Of(In("plain")));
    }

    [Fact]
    public void An_encrypted_disk_is_a_disk()
    {
        File.WriteAllBytes(In("luks"), [.. "LUKS"u8, 0xBA, 0xBE, 0, 1, .. new byte[4096]]);
        Assert.Null(Of(In("luks")));
    }

    [Fact]
    public void A_fixed_vhd_is_known_by_its_end_of_511_bytes_too()
    {
        File.WriteAllBytes(In("vhd"), [.. new byte[4096], .. "conectix"u8, .. new byte[503]]);
        Assert.Equal("vhd", Of(In("vhd")));
    }

    public void Dispose() => _directory.Delete(recursive: true);

    private static string? Of(string path)
    {
        using var disk = FileBlockDevice.Open(path, readOnly: true);
        return DiskImageFormat.Of(disk);
    }

    private string In(string name) => Path.Combine(_directory.FullName, name);
}
