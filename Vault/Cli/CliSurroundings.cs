namespace ReplicationEngine.Vault.Cli;

/// <summary>
/// All that the command line takes from the process around it, so that tests can stand in for it.
/// </summary>
/// <param name="Out">Results, and nothing else.</param>
/// <param name="Error">Progress, warnings and reasons.</param>
/// <param name="OutWidth">Columns of the terminal on <paramref name="Out"/>; null when it is no terminal.</param>
/// <param name="ErrorWidth">Columns of the terminal on <paramref name="Error"/>; null when it is no terminal.</param>
/// <param name="Time">The clock that waiting goes by.</param>
/// <param name="Variable">Reads an environment variable.</param>
internal sealed record CliSurroundings(
    TextWriter Out, TextWriter Error, int? OutWidth, int? ErrorWidth, TimeProvider Time, Func<string, string?> Variable)
{
    /// <summary>Makes a command id; the server answers a repeated one as it answered the first (I19).</summary>
    public Func<string> NewCommandId { get; init; } = () => Guid.CreateVersion7().ToString("N");

    /// <summary>The directory that relative disk paths start from.</summary>
    public string CurrentDirectory { get; init; } = "/";

    /// <summary>The full path of one that was typed.</summary>
    /// <exception cref="CommandFailedException">It is empty.</exception>
    public string Full(string path) => path.Length > 0
        ? Path.GetFullPath(path, CurrentDirectory)
        : throw CommandFailedException.Usage("'' is not a path; name a file or directory.");

    /// <summary>The process as it is.</summary>
    public static CliSurroundings OfProcess() => new(
        Console.Out, Console.Error,
        Console.IsOutputRedirected || IsDumb ? null : Columns(), Console.IsErrorRedirected || IsDumb ? null : Columns(),
        TimeProvider.System, Environment.GetEnvironmentVariable)
    {
        CurrentDirectory = Directory.GetCurrentDirectory(),
    };

    // A terminal that cannot move its cursor is written to line by line.
    private static bool IsDumb => Environment.GetEnvironmentVariable("TERM") is "dumb";

    // A terminal that does not tell its size says 0.
    private static int Columns() => Console.WindowWidth is > 0 and var columns ? columns : 80;
}
