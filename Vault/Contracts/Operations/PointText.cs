using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Vault.Contracts.Operations;

/// <summary>The spelling of a recovery point in a request.</summary>
internal static class PointText
{
    /// <summary>The newest usable point.</summary>
    public const string Latest = "latest";

    /// <summary>Returns the choice of point that a text names.</summary>
    /// <exception cref="BadRequestException">The text is neither a keyword nor an id of a point.</exception>
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

    /// <summary>Returns the point whose id is given.</summary>
    /// <exception cref="BadRequestException">The text is absent or no id of a point.</exception>
    public static RecoveryPointId Id(string? point) => Guid.TryParseExact(point, "N", out var id)
        ? new RecoveryPointId(id)
        : throw new BadRequestException(
            (point is null ? "No recovery point is given"
                : $"'{point}' is not the id of a recovery point, which has 32 hexadecimal digits")
            + "; use an id from the list of points.");
}
