namespace ReplicationEngine.Vault.Cli;

/// <summary>Everything that the command line uses of its process, so that tests can replace it.</summary>
/// <param name="Out">The writer of results, and of nothing else.</param>
/// <param name="Error">The writer of progress, warnings and reasons.</param>
/// <param name="OutWidth">Columns of the terminal on <paramref name="Out"/>; null when it is no terminal.</param>
/// <param name="ErrorWidth">Columns of the terminal on <paramref name="Error"/>; null when it is no terminal.</param>
/// <param name="Time">The clock for waiting.</param>
/// <param name="Variable">Reads an environment variable.</param>
internal sealed record CliSurroundings(
    TextWriter Out, TextWriter Error, int? OutWidth, int? ErrorWidth, TimeProvider Time, Func<string, string?> Variable)
{
    /// <summary>Makes a command id. The server replies to a repeated id as to the first request (I19).</summary>
    public Func<string> NewCommandId { get; init; } = () => Guid.CreateVersion7().ToString("N");

    /// <summary>The directory that relative disk paths start from.</summary>
    public string CurrentDirectory { get; init; } = "/";

    /// <summary>Returns the full path of a typed path.</summary>
    /// <exception cref="CommandFailedException">The path is empty.</exception>
    public string Full(string path) => path.Length > 0
        ? Path.GetFullPath(path, CurrentDirectory)
        : throw CommandFailedException.Usage("'' is not a path; name a file or directory.");

    /// <summary>Returns the surroundings of the current process.</summary>
    public static CliSurroundings OfProcess() => new(
        Console.Out, Console.Error,
        Console.IsOutputRedirected || IsDumb ? null : Columns(), Console.IsErrorRedirected || IsDumb ? null : Columns(),
        TimeProvider.System, Environment.GetEnvironmentVariable)
    {
        CurrentDirectory = Directory.GetCurrentDirectory(),
    };

    // Output to a terminal that cannot move its cursor is written line by line.
    private static bool IsDumb => Environment.GetEnvironmentVariable("TERM") is "dumb";

    // A terminal that does not report its size reports 0.
    private static int Columns() => Console.WindowWidth is > 0 and var columns ? columns : 80;
}
