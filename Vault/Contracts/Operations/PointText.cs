using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Vault.Contracts.Operations;

/// <summary>How a request names a recovery point.</summary>
internal static class PointText
{
    /// <summary>The newest usable point.</summary>
    public const string Latest = "latest";

    /// <summary>The point that a text names.</summary>
    /// <exception cref="BadRequestException">It names none.</exception>
    public static PointChoice Choice(string point) => point switch
    {
        Latest => new PointChoice.Latest(),
        "latest-processed" => new PointChoice.LatestProcessed(),
        "latest-app" => new PointChoice.LatestAppConsistent(),
        _ when Guid.TryParseExact(point, "N", out var id) => new PointChoice.Specific(new RecoveryPointId(id)),
        _ => throw new BadRequestException(
            $"'{point}' is not a recovery point; use latest, latest-processed, latest-app, or an id from the list of "
            + "points."),
    };
}
