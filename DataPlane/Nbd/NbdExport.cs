using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Nbd.Protocol;

namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>
/// A disk under a name. The name is opaque: it is compared with what a client asks for and never used as a path (S5).
/// The device stays the caller's: the server does not dispose of it.
/// </summary>
/// <remarks>
/// Fencing. Every batch of changes is counted in and out under the gate; <see cref="SetReadOnly"/> first sets the flag,
/// which keeps new ones out, then waits until the count is zero. So when it returns, no change is under way on any
/// connection, and all later ones are answered EPERM.
/// </remarks>
internal sealed class NbdExport
{
    private readonly object _gate = new();
    private bool _readOnly;
    private int _changing;

    /// <summary>Describes an export.</summary>
    /// <param name="name">At most 4096 bytes of UTF-8 without NUL; the empty name is the default export.</param>
    /// <param name="device">The disk.</param>
    /// <param name="readOnly">Whether changes are refused with EPERM.</param>
    /// <param name="description">For people; shown by <c>nbdinfo --list</c>.</param>
    /// <exception cref="ArgumentException">The name cannot be asked for by any client.</exception>
    public NbdExport(string name, IBlockDevice device, bool readOnly = false, string description = "")
    {
        CheckString(name, nameof(name));
        CheckString(description, nameof(description));
        Name = name;
        Device = device;
        Description = description;
        _readOnly = readOnly;
    }

    /// <summary>The name clients ask for.</summary>
    public string Name { get; }

    /// <summary>The disk.</summary>
    public IBlockDevice Device { get; }

    /// <summary>For people.</summary>
    public string Description { get; }

    /// <summary>Whether changes are refused.</summary>
    public bool ReadOnly => Volatile.Read(ref _readOnly);

    /// <summary>
    /// Refuses changes from now on (fencing), or allows them again. Returns when no change is under way, so it must not
    /// be called by whom a change in progress waits for. A client that connected while the export was read-only was
    /// told so and has to connect again to write.
    /// </summary>
    public void SetReadOnly(bool readOnly)
    {
        lock (_gate)
        {
            _readOnly = readOnly;
            while (_changing > 0)
            {
                Monitor.Wait(_gate);
            }
        }
    }

    /// <summary>Begins a batch of changes; false when they are refused. Ends with <see cref="EndChanges"/>.</summary>
    internal bool TryBeginChanges()
    {
        lock (_gate)
        {
            _changing += _readOnly ? 0 : 1;
            return !_readOnly;
        }
    }

    /// <summary>Ends what <see cref="TryBeginChanges"/> began.</summary>
    internal void EndChanges()
    {
        lock (_gate)
        {
            if (--_changing == 0)
            {
                Monitor.PulseAll(_gate);
            }
        }
    }

    private static void CheckString(string value, string parameter)
    {
        if (System.Text.Encoding.UTF8.GetByteCount(value) > NbdProtocol.MaxString
            || value.Contains('\0', StringComparison.Ordinal))
        {
            throw new ArgumentException(
                $"An NBD {parameter} has at most {NbdProtocol.MaxString} bytes and no NUL.", parameter);
        }
    }
}
