using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Nbd;

namespace ReplicationEngine.Tests.DataPlane.Nbd;

/// <summary>A session without a socket: bytes in, bytes out.</summary>
internal sealed class SessionDriver : INbdSessionHost, IDisposable
{
    private readonly MemoryStream _sent = new();
    private readonly NbdSession _session;

    public SessionDriver(params NbdExport[] exports)
    {
        Exports = exports;
        _session = new NbdSession(this);
        _session.Start();
    }

    public IReadOnlyList<NbdExport> Exports { get; }

    public bool Ended => _session.Ended;

    public int LargestWindow { get; private set; }

    public byte[] Sent => _sent.ToArray();

    /// <summary>One export "disk" over a device.</summary>
    public static SessionDriver Over(IBlockDevice device) => new(new NbdExport("disk", device));

    /// <summary>Feeds bytes, cut as the windows and the cutter demand.</summary>
    public void Feed(ReadOnlySpan<byte> bytes, Func<int>? cut = null)
    {
        while (!bytes.IsEmpty && !Ended)
        {
            var window = _session.Window();
            LargestWindow = Math.Max(LargestWindow, window.Length);
            var count = Math.Min(Math.Min(window.Length, bytes.Length), cut?.Invoke() ?? int.MaxValue);
            bytes[..count].CopyTo(window);
            _session.Arrived(count);
            bytes = bytes[count..];
        }
    }

    public NbdExport? Find(string name) =>
        Exports.FirstOrDefault(e => string.Equals(e.Name, name, StringComparison.Ordinal));

    public bool TryAttach(NbdExport export) => true;

    public void Send(ReadOnlySpan<byte> bytes) => _sent.Write(bytes);

    public void RequestFailed(NbdExport export, string request, Exception error)
    {
    }

    public void Dispose() => _session.Dispose();
}
