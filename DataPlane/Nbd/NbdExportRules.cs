using ReplicationEngine.DataPlane.Nbd.Protocol;

namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>The capabilities that an export announces to a client.</summary>
internal static class NbdExportRules
{
    /// <summary>
    /// Returns the transmission flags. Several connections are always allowed: a flush on one connection covers the
    /// changes completed on all of them, because the device's own flush does.
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
