namespace ReplicationEngine.Simulation.Faults;

/// <summary>Every fault of this assembly, found by its class.</summary>
internal static class FaultList
{
    /// <summary>All of them, by number.</summary>
    public static IReadOnlyList<Fault> All { get; } =
    [
        .. typeof(Fault).Assembly.GetTypes()
            .Where(type => type.IsSubclassOf(typeof(Fault)) && !type.IsAbstract)
            .Select(type => (Fault)Activator.CreateInstance(type)!)
            .OrderBy(fault => fault.Number),
    ];

    /// <summary>The one of a class.</summary>
    public static T Of<T>()
        where T : Fault => All.OfType<T>().First();

    /// <summary>The one of a name; null when there is none.</summary>
    public static Fault? Named(string name) => All.FirstOrDefault(fault => fault.Name == name);
}
