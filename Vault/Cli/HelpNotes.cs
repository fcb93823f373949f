using ReplicationEngine.Agent.Protocol.Access;
using ReplicationEngine.Agent.Volumes;

namespace ReplicationEngine.Vault.Cli;

/// <summary>The parts of a command's help page other than the descriptions of the command and its options.</summary>
/// <param name="Details">Paragraphs after the description.</param>
/// <param name="Examples">Command lines that work as printed, given the VM and the files that they name.</param>
internal sealed record HelpNotes(IReadOnlyList<string> Details, IReadOnlyList<string> Examples)
{
    private static readonly HelpNotes s_none = new([], []);

    /// <summary>The exit codes. A command lists them only if they differ from those of drctl.</summary>
    public IReadOnlyList<(string Code, string Meaning)> ExitCodes { get; init; } = [];

    /// <summary>The environment variables.</summary>
    public IReadOnlyList<(string Name, string Meaning)> Variables { get; init; } = [];

    /// <summary>The commands of drctl by task, in the order of a VM's life.</summary>
    public static IReadOnlyList<(string Title, IReadOnlyList<string> Commands)> Groups { get; } =
    [
        ("Set up", ["serve", "agent", "protect", "uri", "disable"]),
        ("Observe", ["status", "points", "log", "jobs", "agents", "health", "audit"]),
        ("Replicate", ["point", "hold-point", "release-point", "pause", "resume", "resync", "retry"]),
        ("Fail over and back", ["failover", "cleanup", "change-point", "commit", "cancel", "reprotect", "failback"]),
        ("Repair and inspect", ["lift-quarantine", "projections", "journal", "replica", "recover"]),
        ("Test", ["simulate", "chaos"]),
    ];

    /// <summary>Returns the notes on a command.</summary>
    /// <param name="path">The command's name after those of its parents, such as <c>drctl journal show</c>.</param>
    public static HelpNotes Of(string path) => All.GetValueOrDefault(path, s_none);

    /// <summary>All notes by command.</summary>
    public static IReadOnlyDictionary<string, HelpNotes> All { get; } =
        new Dictionary<string, HelpNotes>(StringComparer.Ordinal)
    {
        ["drctl"] = new([], [])
        {
            Variables =
            [
                (ClientOptions.ServerVariable, $"The service's URL (default: {ClientOptions.DefaultServer})"),
                (ServiceToken.FileVariable, "The file with the service's API token"),
                (AllowedPaths.Variable, "The disks that an agent may serve, separated by colons"),
            ],
            ExitCodes =
            [
                ("0", "Done"), ("1", "Refused or failed; stderr has the reason"), ("2", "Bad usage"),
                ("3", "The service cannot be reached"), ("130", "Interrupted"),
            ],
        },
        ["drctl serve"] = new(
            ["The service stores the replicas and makes the recovery points. It listens on loopback only."],
            ["drctl serve --data /var/lib/dr-service"]),
        ["drctl agent"] = new(
            ["The agent serves the disks to their VM and sends every write to the service. It connects to the service "
                + "and accepts no connections from elsewhere."],
            ["drctl agent --data /var/lib/dr-agent --name host-1 --allow /srv"]),
        ["drctl protect"] = new(
            ["The VM must then use the printed NBD URIs instead of its disks. The command waits for the initial "
                + "replication, during which the VM can run."],
            [
                "drctl protect web --disk /srv/web-0.img --disk /srv/web-1.img",
                "drctl protect db --disk /dev/vg0/db --agent host-1 --print libvirt",
            ]),
        ["drctl uri"] = new([], ["drctl uri web", "drctl uri web --print qemu"]),
        ["drctl disable"] = new(
            ["The service deletes the replica and its recovery points unless --keep-replica is given. A kept replica "
                + "is deleted by `drctl disable` without it."],
            ["drctl disable web --keep-replica", "drctl disable web"]),
        ["drctl status"] = new([], ["drctl status", "drctl status web --json"]),
        ["drctl points"] = new([], ["drctl points web"]),
        ["drctl log"] = new([], ["drctl log web", "drctl log web --at 2026-01-31T12:00:00Z"]),
        ["drctl jobs"] = new([], ["drctl jobs web"]),
        ["drctl agents"] = new([], ["drctl agents", "drctl agents forget host-1"]),
        ["drctl agents forget"] = new(
            ["An agent's name belongs to the key that first registered it. Release it when a new host replaces the "
                + "old one for good."],
            ["drctl agents forget host-1"]),
        ["drctl audit"] = new([], ["drctl audit web --most 20"]),
        ["drctl point"] = new(
            ["The service also makes a recovery point every five minutes."], ["drctl point web --app"]),
        ["drctl hold-point"] = new(
            ["A point can be held although it is not usable. `drctl commit` deletes all other points, so it is refused "
                + "while one of those is held. `drctl disable` without --keep-replica is refused while any point is "
                + "held. A held point takes space in the replica for as long as it is held."],
            ["drctl hold-point web 0198c5d1f0a97d3c8a4e5b6f7a8b9c0d"]),
        ["drctl release-point"] = new(
            ["The point expires with the others as soon as retention no longer keeps it."],
            ["drctl release-point web 0198c5d1f0a97d3c8a4e5b6f7a8b9c0d"]),
        ["drctl resync"] = new([], ["drctl resync web"]),
        ["drctl failover"] = new(
            ["A test failover leaves the source running; end it with `drctl cleanup`. After a planned or unplanned "
                + "failover, check the recovered machine, then use `drctl commit`, `drctl change-point` or "
                + "`drctl cancel`.",
                "latest applies everything received and makes a new point of it: the smallest loss. latest-processed "
                + "is the newest existing usable point: the shortest wait. latest-app is the newest usable "
                + "application-consistent point. `drctl points` lists the ids."],
            [
                "drctl failover web --kind test",
                "drctl failover web --kind planned",
                "drctl failover web --kind unplanned --point latest-app",
            ]),
        ["drctl cleanup"] = new([], ["drctl cleanup web --notes \"restored and checked\""]),
        ["drctl change-point"] = new(
            ["latest and latest-processed are the newest usable point, latest-app the newest usable "
                + "application-consistent one. `drctl points` lists the ids.",
                "If the recovered machine has written since the failover, its writes would be lost and --discard is "
                + "required. Its NBD clients must connect again."],
            ["drctl change-point web latest"]),
        ["drctl commit"] = new(
            ["The commit of a failover deletes all other recovery points, and is refused while one of them is held."],
            ["drctl commit web"]),
        ["drctl cancel"] = new(
            ["The source becomes the primary again. If the recovered machine has written, its writes would be lost and "
                + "--discard is required."],
            ["drctl cancel web --discard"]),
        ["drctl reprotect"] = new(
            ["The recovered machine keeps running. Only the differences are sent."], ["drctl reprotect web"]),
        ["drctl failback"] = new(
            ["The recovered machine is stopped, its last writes are sent, and the source becomes the primary. Finish "
                + "with `drctl commit`, then `drctl reprotect`."],
            ["drctl failback web"]),
        ["drctl lift-quarantine"] = new(
            ["The service quarantines a VM whose event log it cannot read. It keeps all other VMs in service."],
            ["drctl lift-quarantine web"]),
        ["drctl projections rebuild"] = new([], ["drctl projections rebuild protected-vms"]),
        ["drctl journal verify"] = new(
            ["Checks sequence numbers, the hash chain, invariants, snapshots and tables, and replays each recorded "
                + "command to check that it leads to its events. The service may be running."],
            ["drctl journal verify --data /var/lib/dr-service", "drctl journal verify --file vault.rpj"])
        {
            ExitCodes = [("0", "Sound"), ("1", "Damaged"), ("2", "Bad usage"), ("130", "Interrupted")],
        },
        ["drctl journal export"] = new([], ["drctl journal export web --data /var/lib/dr-service --out web.rpj"]),
        ["drctl journal import"] = new([], ["drctl journal import --file vault.rpj --data /var/lib/dr-new"]),
        ["drctl journal archive"] = new(
            ["Moves events that precede a snapshot to sealed files in the directory 'archive' of the data directory. A "
                + "running service does this on its own."],
            ["drctl journal archive --data /var/lib/dr-service --older-than 90"]),
        ["drctl journal show"] = new([], ["drctl journal show web --at 120 --data /var/lib/dr-service"]),
        ["drctl journal diff"] = new([], ["drctl journal diff vault.rpj /var/lib/dr-service"])
        {
            ExitCodes = [("0", "Equal"), ("1", "Different"), ("2", "Bad usage"), ("130", "Interrupted")],
        },
        ["drctl journal bisect"] = new(
            ["Checks the state after every event, because the condition may stop holding later."],
            ["drctl journal bisect web --when replication.paused --data /var/lib/dr-service"])
        {
            ExitCodes = [("0", "Found"), ("1", "It never holds"), ("2", "Bad usage"), ("130", "Interrupted")],
        },
        ["drctl replica list"] = new([], ["drctl replica list --data /var/lib/dr-service"]),
        ["drctl replica verify"] = new([], ["drctl replica verify --data /var/lib/dr-service --vm web"])
        {
            ExitCodes = [("0", "All points are sound"), ("1", "Damaged"), ("2", "Bad usage"), ("130", "Interrupted")],
        },
        ["drctl replica serve"] = new([], ["drctl replica serve --data /var/lib/dr-service --vm web --point live"]),
        ["drctl recover"] = new(
            ["Use it when the journal is lost, damaged, older than the replicas, or that of another vault. The service "
                + "must be stopped. The VMs' earlier histories are lost; their recovery points are kept."],
            ["drctl recover --data /var/lib/dr-service --replace-journal"]),
    };
}
