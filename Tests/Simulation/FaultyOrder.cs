using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Tests.Simulation;

/// <summary>An order of changes with a fault built in.</summary>
internal sealed class FaultyOrder(GuestConnections guests) : SimWriteOrder(guests)
{
    public bool CompletesAtOnce { get; init; }

    public bool TakesNoTurns { get; init; }

    public bool WaitsForNothing { get; init; }

    public override Lsn Completed => CompletesAtOnce ? Newest : base.Completed;

    public override void WaitForTurn(WriteTicket ticket)
    {
        if (!TakesNoTurns)
        {
            base.WaitForTurn(ticket);
        }
    }

    public override void WaitForCompletion(Lsn through)
    {
        if (!WaitsForNothing)
        {
            base.WaitForCompletion(through);
        }
    }
}
