namespace ReplicationEngine.Chaos.Plans;

/// <summary>The faults that can be injected into the processes, the disk and the link.</summary>
internal enum Fault
{
    /// <summary>The agent is killed (SIGKILL).</summary>
    KillAgent,

    /// <summary>The service is killed (SIGKILL).</summary>
    KillService,

    /// <summary>Agent and service are killed at the same time (SIGKILL).</summary>
    KillBoth,

    /// <summary>The agent is suspended for a while (SIGSTOP).</summary>
    PauseAgent,

    /// <summary>The service is suspended for a while (SIGSTOP).</summary>
    PauseService,

    /// <summary>The file system of the agent's data is full for a while.</summary>
    FullDisk,

    /// <summary>The connections between agent and service break, and new ones are refused for a while.</summary>
    CutBoth,

    /// <summary>Data from the agent to the service is held for a while; the other direction flows.</summary>
    CutToService,

    /// <summary>Data from the service to the agent is held for a while; the other direction flows.</summary>
    CutToAgent,

    /// <summary>Connections stay open and no data flows on them for a while.</summary>
    Stall,

    /// <summary>
    /// The service is killed (SIGKILL) and its journal removed; the journal is recovered from the replicas.
    /// </summary>
    LoseJournal,

    /// <summary>
    /// The service is killed (SIGKILL) and its journal replaced by the one that the previous journal fault removed; the
    /// journal is recovered from the replicas.
    /// </summary>
    OldJournal,

    /// <summary>A second agent under the agent's name tries to protect the VMs' disks under other names.</summary>
    Stranger,
}

/// <summary>
/// The parts that a fault affects. Two faults of a round never affect the same part at the same time.
/// </summary>
[Flags]
internal enum Lanes
{
    /// <summary>No part.</summary>
    None = 0,

    /// <summary>The agent's process.</summary>
    Agent = 1,

    /// <summary>The service's process.</summary>
    Service = 2,

    /// <summary>The link between agent and service.</summary>
    Link = 4,

    /// <summary>The file system of the agent's data.</summary>
    Disk = 8,

    /// <summary>The second agent.</summary>
    Stranger = 16,
}

/// <summary>The names of faults, as users type them.</summary>
internal static class FaultNames
{
    /// <summary>All faults with their names.</summary>
    public static IReadOnlyList<(Fault Fault, string Name)> All { get; } =
    [
        (Fault.KillAgent, "kill-agent"), (Fault.KillService, "kill-service"), (Fault.KillBoth, "kill-both"),
        (Fault.PauseAgent, "pause-agent"), (Fault.PauseService, "pause-service"), (Fault.FullDisk, "full-disk"),
        (Fault.CutBoth, "cut-both"), (Fault.CutToService, "cut-to-service"), (Fault.CutToAgent, "cut-to-agent"),
        (Fault.Stall, "stall"), (Fault.LoseJournal, "lose-journal"), (Fault.OldJournal, "old-journal"),
        (Fault.Stranger, "stranger"),
    ];

    /// <summary>Returns the name of a fault.</summary>
    public static string Of(Fault fault) => All.First(known => known.Fault == fault).Name;

    /// <summary>Returns the parts that a fault affects.</summary>
    public static Lanes LanesOf(Fault fault) => fault switch
    {
        Fault.KillAgent or Fault.PauseAgent => Lanes.Agent,
        Fault.KillService or Fault.PauseService or Fault.LoseJournal or Fault.OldJournal => Lanes.Service,
        Fault.KillBoth => Lanes.Agent | Lanes.Service,
        Fault.FullDisk => Lanes.Disk,
        Fault.Stranger => Lanes.Stranger,
        _ => Lanes.Link,
    };

    /// <summary>
    /// Parses a list such as <c>kill-agent,pause,cut</c>. A word before a dash (<c>kill</c>, <c>pause</c>, <c>cut</c>)
    /// selects all faults that begin with it.
    /// </summary>
    /// <returns>False when a name is not known, with a sentence that names the value and the possible ones.</returns>
    public static bool TryParse(string text, out IReadOnlyList<Fault> faults, out string sentence)
    {
        var found = new SortedSet<Fault>();
        (faults, sentence) = ([], "");
        foreach (var name in text.Split(',', StringSplitOptions.TrimEntries))
        {
            var meant = All.Where(known => known.Name == name
                || known.Name.StartsWith(name + "-", StringComparison.Ordinal)).Select(known => known.Fault).ToList();
            if (meant.Count == 0)
            {
                sentence = $"'{name}' is not a fault; give one or more of "
                    + $"{string.Join(",", All.Select(k => k.Name))}, or kill, pause or cut for all of their kind.";
                return false;
            }

            found.UnionWith(meant);
        }

        faults = [.. found];
        return true;
    }
}
