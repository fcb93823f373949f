using ReplicationEngine.DataPlane.Nbd.Protocol;

namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>What an export promises to a client.</summary>
internal static class NbdExportRules
{
    /// <summary>
    /// The transmission flags. Several connections are always allowed: a flush on one covers what was answered on all,
    /// since the device's own flush does.
    /// </summary>
    public static NbdExportFlags Flags(NbdExport export, bool structuredReplies)
    {
        const NbdExportFlags always = NbdExportFlags.HasFlags | NbdExportFlags.SendFlush | NbdExportFlags.SendFua
            | NbdExportFlags.CanMultiConnection | NbdExportFlags.SendCache;
        const NbdExportFlags writable = NbdExportFlags.SendTrim | NbdExportFlags.SendWriteZeroes
            | NbdExportFlags.SendFastZero;
        return always
            | (export.ReadOnly ? NbdExportFlags.ReadOnly : writable)
            | (structuredReplies ? NbdExportFlags.SendDontFragment : NbdExportFlags.None);
    }
}
