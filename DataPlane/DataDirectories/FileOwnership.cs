using System.Runtime.InteropServices;

namespace ReplicationEngine.DataPlane.DataDirectories;

/// <summary>The owner and permissions of a file, which the framework does not expose.</summary>
/// <param name="Owner">The owner's user id.</param>
/// <param name="Mode">The type and the permissions (<c>st_mode</c>).</param>
public sealed partial record FileOwnership(uint Owner, int Mode)
{
    private const int OthersMask = 0x3F;
    private const int TypeMask = 0xF000;
    private const int Directory = 0x4000;
    private const int Link = 0xA000;

    // The used part of struct statx, in bytes from its start (linux/stat.h); the whole struct has 256 bytes.
    private const int StatusBytes = 256;
    private const int OwnerAt = 20;
    private const int ModeAt = 28;
    private const int CurrentDirectory = -100;
    private const int NoFollow = 0x100;
    private const uint ModeAndOwner = 0x0B;

    /// <summary>The effective user ID of this process.</summary>
    public static uint CurrentUser => EffectiveUser();

    /// <summary>Whether group or others have any permission.</summary>
    public bool IsOpenToOthers => !IsLink && (Mode & OthersMask) != 0;

    /// <summary>Whether the file is a directory.</summary>
    public bool IsDirectory => (Mode & TypeMask) == Directory;

    /// <summary>Whether the file is a symbolic link, whose own permissions have no effect.</summary>
    public bool IsLink => (Mode & TypeMask) == Link;

    /// <summary>Reads the ownership of the file that a path names.</summary>
    /// <param name="path">The path of the file.</param>
    /// <param name="follow">Whether a symbolic link at the path's end is followed.</param>
    /// <exception cref="IOException">The path does not exist or is not accessible.</exception>
    public static unsafe FileOwnership Of(string path, bool follow = true)
    {
        var status = stackalloc byte[StatusBytes];
        return Status(CurrentDirectory, path, follow ? 0 : NoFollow, ModeAndOwner, status) == 0
            ? new FileOwnership(*(uint*)(status + OwnerAt), *(ushort*)(status + ModeAt))
            : throw new IOException($"cannot read the status of '{path}': {Marshal.GetLastPInvokeErrorMessage()}");
    }

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int Status(int directory, string path, int flags, uint mask, byte* status);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint EffectiveUser();
}
