using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Nbd.Protocol;

namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>
/// A disk served under a name. The name is opaque: it is compared with the name that a client requests and never used
/// as a path (S5). The device belongs to the caller: the server does not dispose of it.
/// </summary>
/// <remarks>
/// Fencing. Every batch of changes is counted in and out under the gate; <see cref="SetReadOnly"/> first sets the flag,
/// which keeps new ones out, then waits until the count is zero. When it returns, no change is running on any
/// connection, and all later ones fail with EPERM.
/// </remarks>
internal sealed class NbdExport
{
    private readonly object _gate = new();
    private bool _readOnly;
    private int _changing;

    /// <summary>Creates an export of a disk.</summary>
    /// <param name="name">At most 4096 bytes of UTF-8 without NUL; the empty name is the default export.</param>
    /// <param name="device">The exported disk.</param>
    /// <param name="readOnly">Whether changes are refused with EPERM.</param>
    /// <param name="description">A description for operators; shown by <c>nbdinfo --list</c>.</param>
    /// <exception cref="ArgumentException">No client can request the name.</exception>
    public NbdExport(string name, IBlockDevice device, bool readOnly = false, string description = "")
    {
        CheckString(name, nameof(name));
        CheckString(description, nameof(description));
        Name = name;
        Device = device;
        Description = description;
        _readOnly = readOnly;
    }

    /// <summary>The name that clients request.</summary>
    public string Name { get; }

    /// <summary>The exported disk.</summary>
    public IBlockDevice Device { get; }

    /// <summary>A description for operators.</summary>
    public string Description { get; }

    /// <summary>Whether changes are refused with EPERM.</summary>
    public bool ReadOnly => Volatile.Read(ref _readOnly);

    /// <summary>
    /// Refuses changes from now on (fencing), or allows them again. Returns when no change is running, so a thread that
    /// a running change waits for must not call it. A client that connected while the export was read-only must
    /// reconnect to write.
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

    /// <summary>Starts a batch of changes; false if changes are refused. Ends with <see cref="EndChanges"/>.</summary>
    internal bool TryBeginChanges()
    {
        lock (_gate)
        {
            _changing += _readOnly ? 0 : 1;
            return !_readOnly;
        }
    }

    /// <summary>Ends a batch that <see cref="TryBeginChanges"/> started.</summary>
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
