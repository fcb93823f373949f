using System.CommandLine;
using System.Globalization;
using System.Xml.Linq;
using ReplicationEngine.Vault.Contracts;

namespace ReplicationEngine.Vault.Cli;

/// <summary>
/// The configuration that attaches a machine to disks served over NBD, ready to be pasted: <c>libvirt</c> (elements for
/// <c>&lt;devices&gt;</c>), <c>qemu</c> (arguments for a shell) and <c>nbd-client</c> (commands for a shell). The QEMU
/// configuration enables reconnection: QEMU holds the guest's requests while the agent restarts and sends them again.
/// </summary>
internal static class AttachSnippets
{
    /// <summary>
    /// The time for which QEMU holds the guest's requests before they fail: longer than an operator needs.
    /// </summary>
    private const int ReconnectSeconds = 3600;

    private const int Letters = 26;

    private static readonly Dictionary<string, Func<IReadOnlyList<(NbdAddress, string)>, IEnumerable<string>>> Kinds =
        new(StringComparer.Ordinal) { ["libvirt"] = Libvirt, ["qemu"] = Qemu, ["nbd-client"] = NbdClient };

    /// <summary>Returns a new option <c>--print KIND</c>.</summary>
    public static Option<string?> Option()
    {
        var option = new Option<string?>("--print")
        {
            HelpName = string.Join('|', Kinds.Keys),
            Description = "Print a configuration snippet instead: libvirt <disk> elements, QEMU arguments, or "
                + "commands that create block devices on this machine",
        };
        option.AcceptOnlyFromAmong([.. Kinds.Keys]);
        return option;
    }

    /// <summary>Returns the snippet for all disks, line by line.</summary>
    /// <param name="kind">The kind of snippet, a value of <see cref="Option"/>.</param>
    /// <param name="disks">The disks; all of them are served.</param>
    /// <exception cref="CommandFailedException">An address does not fit into a configuration.</exception>
    public static IEnumerable<string> Lines(string kind, IReadOnlyList<DiskView> disks) =>
        Kinds[kind]([.. disks.Select(disk => (NbdAddress.Of(disk.Uri!), disk.Uri!))]);

    private static IEnumerable<string> Libvirt(IReadOnlyList<(NbdAddress Address, string Uri)> disks)
    {
        yield return "<!-- For the <devices> of the domain. While the agent restarts, QEMU queues the guest's requests";
        yield return "     and reconnects. libvirt 9.0 and older ignore <reconnect>: there, the guest's requests fail";
        yield return "     when the agent restarts. -->";
        foreach (var (at, index) in disks.Select((disk, index) => (disk.Address, index)))
        {
            var host = at.Socket is { } socket
                ? new XElement("host", new XAttribute("transport", "unix"), new XAttribute("socket", socket))
                : new XElement("host", new XAttribute("name", at.Host!), new XAttribute("port", at.Port));
            var element = new XElement(
                "disk", new XAttribute("type", "network"), new XAttribute("device", "disk"),
                new XElement(
                    "driver", new XAttribute("name", "qemu"), new XAttribute("type", "raw"),
                    new XAttribute("discard", "unmap")),
                new XElement(
                    "source", new XAttribute("protocol", "nbd"), new XAttribute("name", at.Export), host,
                    new XElement("reconnect", new XAttribute("delay", ReconnectSeconds))),
                new XElement("target", new XAttribute("dev", VirtioName(index)), new XAttribute("bus", "virtio")));
            foreach (var line in element.ToString().Split('\n'))
            {
                yield return line.TrimEnd('\r');
            }
        }
    }

    private static IEnumerable<string> Qemu(IReadOnlyList<(NbdAddress Address, string Uri)> disks)
    {
        yield return "# Arguments for qemu-system-*. While the agent restarts, QEMU queues the guest's requests";
        yield return "# and reconnects.";
        foreach (var (at, index) in disks.Select((disk, index) => (disk.Address, index)))
        {
            // The name of a block node has at most 31 characters, fewer than a VM's name may have.
            var node = string.Create(CultureInfo.InvariantCulture, $"drctl{index}");
            var server = at.Socket is { } socket
                ? $"server.type=unix,server.path={Value(socket)}"
                : string.Create(
                    CultureInfo.InvariantCulture,
                    $"server.type=inet,server.host={Value(at.Host!)},server.port={at.Port}");
            var device = $"driver=nbd,node-name={node},{server},export={Value(at.Export)},"
                + $"reconnect-delay={ReconnectSeconds},discard=unmap";
            var more = index < disks.Count - 1 ? " \\" : "";
            yield return $"-blockdev {Word(device)} \\";
            yield return $"-device virtio-blk,drive={node}{more}";
        }
    }

    private static IEnumerable<string> NbdClient(IReadOnlyList<(NbdAddress Address, string Uri)> disks)
    {
        yield return "# Block devices on this machine (package nbd-client, as root). They reconnect after a restart";
        yield return "# of the agent.";
        yield return "modprobe nbd";
        foreach (var (at, index) in disks.Select((disk, index) => (disk.Address, index)))
        {
            var server = at.Socket is { } socket
                ? $"-unix {Word(socket)}"
                : string.Create(CultureInfo.InvariantCulture, $"{Word(at.Host!)} {at.Port}");
            yield return string.Create(
                CultureInfo.InvariantCulture, $"nbd-client {server} /dev/nbd{index} -name {Word(at.Export)} -persist");
        }

        yield return "# Or as files (package nbdfuse, without root). They do not reconnect.";
        foreach (var (at, uri) in disks)
        {
            yield return $"#   mkdir -p {Word(at.Export)} && nbdfuse {Word(at.Export + "/disk.img")} {Word(uri)} &";
        }
    }

    // The names are vda to vdz, then vdaa and so on.
    private static string VirtioName(int index)
    {
        var name = "";
        for (var rest = index; rest >= 0; rest = (rest / Letters) - 1)
        {
            name = (char)('a' + (rest % Letters)) + name;
        }

        return "vd" + name;
    }

    /// <summary>Escapes a value for QEMU's list of options: a comma is written twice.</summary>
    private static string Value(string text) => text.Replace(",", ",,", StringComparison.Ordinal);

    /// <summary>Quotes a text as one word of a shell's command line.</summary>
    private static string Word(string text) =>
        text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || "/._-=,:+@%".Contains(c))
            ? text
            : "'" + text.Replace("'", "'\\''", StringComparison.Ordinal) + "'";
}
