namespace ReplicationEngine.Simulation.Faults;

/// <summary>The list of all faults of this assembly, found by their class.</summary>
internal static class FaultList
{
    /// <summary>All faults, in the order of their numbers.</summary>
    public static IReadOnlyList<Fault> All { get; } =
    [
        .. typeof(Fault).Assembly.GetTypes()
            .Where(type => type.IsSubclassOf(typeof(Fault)) && !type.IsAbstract)
            .Select(type => (Fault)Activator.CreateInstance(type)!)
            .OrderBy(fault => fault.Number),
    ];

    /// <summary>Returns the fault of a class.</summary>
    public static T Of<T>()
        where T : Fault => All.OfType<T>().First();

    /// <summary>Returns the fault with a name; null when there is none.</summary>
    public static Fault? Named(string name) => All.FirstOrDefault(fault => fault.Name == name);
}
