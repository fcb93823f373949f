using System.Globalization;
using ReplicationEngine.Persistence.Serialization.ProtectedVms;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Cli;

/// <summary>The table of events and states, with a column for each fault class under which they were reached.</summary>
internal static class SometimesTable
{
    private static readonly string[] Letters =
        ["-", "P", "S", "H", "A", "V", "L", "M", "T", "B", "D", "C", "R", "X", "Z"];

    /// <summary>Prints the table. An event that was never reached also has its row.</summary>
    public static void Print(IReadOnlyDictionary<(string What, string Fault), long> counts, TextWriter output)
    {
        output.WriteLine($"{"event, or state",-58}{string.Concat(Letters.Select(l => l.PadLeft(7)))}");
        foreach (var name in ProtectedVmCodec.EventNames.Concat(Probes.All))
        {
            var cells = Letters.Select(l => counts.GetValueOrDefault((name, l)))
                .Select(c => (c == 0 ? "." : c.ToString(CultureInfo.InvariantCulture)).PadLeft(7));
            output.WriteLine($"{name,-58}{string.Concat(cells)}");
        }
    }
}
