namespace ReplicationEngine.Vault.Cli;

/// <summary>The exit codes of drctl; scripts rely on them.</summary>
internal static class ExitCodes
{
    /// <summary>The command did what it says.</summary>
    public const int Done = 0;

    /// <summary>Refused or failed; the reason is one sentence on stderr.</summary>
    public const int Refused = 1;

    /// <summary>The command line is wrong; nothing was sent.</summary>
    public const int Usage = 2;

    /// <summary>No server answers where it was looked for.</summary>
    public const int Unreachable = 3;

    /// <summary>Interrupted while waiting; what was started goes on (128 + SIGINT, as shells count).</summary>
    public const int Interrupted = 130;
}
