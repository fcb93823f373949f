using System.Runtime.InteropServices;

namespace ReplicationEngine.DataPlane.DataDirectories;

/// <summary>Who owns a file and who may use it, which the framework does not say.</summary>
/// <param name="Owner">The owner's user id.</param>
/// <param name="Mode">The type and the permissions (<c>st_mode</c>).</param>
public sealed partial record FileOwnership(uint Owner, int Mode)
{
    private const int OthersMask = 0x3F;
    private const int TypeMask = 0xF000;
    private const int Directory = 0x4000;
    private const int Link = 0xA000;

    // The part of struct statx that is used, in bytes from its start (linux/stat.h); the whole struct has 256.
    private const int StatusBytes = 256;
    private const int OwnerAt = 20;
    private const int ModeAt = 28;
    private const int CurrentDirectory = -100;
    private const int NoFollow = 0x100;
    private const uint ModeAndOwner = 0x0B;

    /// <summary>The user this process acts as.</summary>
    public static uint CurrentUser => EffectiveUser();

    /// <summary>Whether group or others have any right.</summary>
    public bool IsOpenToOthers => !IsLink && (Mode & OthersMask) != 0;

    /// <summary>Whether it is a directory.</summary>
    public bool IsDirectory => (Mode & TypeMask) == Directory;

    /// <summary>Whether it is a symbolic link, whose own permissions mean nothing.</summary>
    public bool IsLink => (Mode & TypeMask) == Link;

    /// <summary>Looks at what a path names.</summary>
    /// <param name="path">The path.</param>
    /// <param name="follow">Whether a symbolic link at its end is followed.</param>
    /// <exception cref="IOException">There is nothing, or the way to it is barred.</exception>
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
