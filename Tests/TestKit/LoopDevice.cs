using Xunit;

namespace ReplicationEngine.Tests.TestKit;

/// <summary>A loop device over a file, until it is disposed. Where the machine gives none, the test is
/// skipped.</summary>
public sealed class LoopDevice : IDisposable
{
    private readonly OutsideTool _losetup;

    private LoopDevice(OutsideTool losetup, string path) => (_losetup, Path) = (losetup, path);

    /// <summary>The device's node.</summary>
    public string Path { get; }

    /// <summary>Sets one up with further arguments of losetup, such as <c>-b 4096</c>.</summary>
    public static LoopDevice Over(string file, params string[] more)
    {
        var losetup = OutsideTool.Require("losetup", "mount");
        var made = losetup.Run(["--find", "--show", .. more, file]);
        Assert.SkipWhen(made.ExitCode != 0, $"no loop device for {file}: {made.Errors.Trim()}");
        return new LoopDevice(losetup, made.Output.Trim());
    }

    /// <summary>Has the device take the size that its file has now.</summary>
    public void Resize() => _losetup.Run("--set-capacity", Path).Succeeded();

    /// <inheritdoc/>
    public void Dispose() => _losetup.Run("--detach", Path);
}
