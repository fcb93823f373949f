namespace ReplicationEngine.Chaos.Plans;

/// <summary>What can be done to the processes, the disk and the link.</summary>
internal enum Fault
{
    /// <summary>SIGKILL of the agent.</summary>
    KillAgent,

    /// <summary>SIGKILL of the service.</summary>
    KillService,

    /// <summary>SIGKILL of both at once.</summary>
    KillBoth,

    /// <summary>SIGSTOP of the agent for a while.</summary>
    PauseAgent,

    /// <summary>SIGSTOP of the service for a while.</summary>
    PauseService,

    /// <summary>The file system of the agent's data has no byte left for a while.</summary>
    FullDisk,

    /// <summary>The connections between agent and service break, and new ones are refused for a while.</summary>
    CutBoth,

    /// <summary>What the agent sends stands still for a while; the other way flows.</summary>
    CutToService,

    /// <summary>What the service sends stands still for a while; the other way flows.</summary>
    CutToAgent,

    /// <summary>Connections stay and nothing moves on them for a while.</summary>
    Stall,

    /// <summary>SIGKILL of the service, whose journal is gone then; it is made again from the replicas.</summary>
    LoseJournal,

    /// <summary>The same, with a copy of the journal from the service's death before in its place.</summary>
    OldJournal,

    /// <summary>A second agent under the agent's name, and disks of the VMs under other names.</summary>
    Stranger,
}

/// <summary>What a fault befalls; two faults of one round never befall the same thing at the same time.</summary>
[Flags]
internal enum Lanes
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>The agent's process.</summary>
    Agent = 1,

    /// <summary>The service's process.</summary>
    Service = 2,

    /// <summary>The link between them.</summary>
    Link = 4,

    /// <summary>The file system of the agent's data.</summary>
    Disk = 8,

    /// <summary>The second agent.</summary>
    Stranger = 16,
}

/// <summary>The names of faults, as users type them.</summary>
internal static class FaultNames
{
    /// <summary>Every fault with its name.</summary>
    public static IReadOnlyList<(Fault Fault, string Name)> All { get; } =
    [
        (Fault.KillAgent, "kill-agent"), (Fault.KillService, "kill-service"), (Fault.KillBoth, "kill-both"),
        (Fault.PauseAgent, "pause-agent"), (Fault.PauseService, "pause-service"), (Fault.FullDisk, "full-disk"),
        (Fault.CutBoth, "cut-both"), (Fault.CutToService, "cut-to-service"), (Fault.CutToAgent, "cut-to-agent"),
        (Fault.Stall, "stall"), (Fault.LoseJournal, "lose-journal"), (Fault.OldJournal, "old-journal"),
        (Fault.Stranger, "stranger"),
    ];

    /// <summary>The name of a fault.</summary>
    public static string Of(Fault fault) => All.First(known => known.Fault == fault).Name;

    /// <summary>What a fault befalls.</summary>
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
    /// Reads a list such as <c>kill-agent,pause,cut</c>; a word before a dash (<c>kill</c>, <c>pause</c>, <c>cut</c>)
    /// means all that begin with it.
    /// </summary>
    /// <returns>False, and a sentence that names the value and what may be written, when a name is not known.</returns>
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
