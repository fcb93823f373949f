namespace ReplicationEngine.Vault.Cli;

/// <summary>The exit codes of drctl; scripts rely on them.</summary>
internal static class ExitCodes
{
    /// <summary>The command succeeded.</summary>
    public const int Done = 0;

    /// <summary>The command was refused or failed; stderr has the reason in one sentence.</summary>
    public const int Refused = 1;

    /// <summary>The command line is wrong; nothing was sent.</summary>
    public const int Usage = 2;

    /// <summary>No server was reached at the given address.</summary>
    public const int Unreachable = 3;

    /// <summary>
    /// The command was interrupted while it waited; the work it started continues (128 + SIGINT, as shells count).
    /// </summary>
    public const int Interrupted = 130;
}
