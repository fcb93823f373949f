namespace ReplicationEngine.Vault.Cli;

/// <summary>
/// Ends a command with an exit code and one clear sentence for stderr. The commands throw it, the command line catches
/// it in one place; the handlers of <c>serve</c> and <c>agent</c> may throw it too.
/// </summary>
internal sealed class CommandFailedException(int exitCode, string sentence,
    Exception? cause = null) : Exception(sentence, cause)
{
    /// <summary>One of <see cref="ExitCodes"/>.</summary>
    public int ExitCode { get; } = exitCode;

    /// <summary>True when the server does not answer, or not yet: worth another try while a job is watched.</summary>
    public bool MayPass { get; init; }

    /// <summary>
    /// True when the service received the command and cannot tell yet whether it took effect. Sending it again with the
    /// same command id returns the outcome and runs nothing twice (I19).
    /// </summary>
    public bool OutcomeUnknown { get; init; }

    /// <summary>The server said no, or the work failed.</summary>
    public static CommandFailedException Refused(string sentence) => new(ExitCodes.Refused, sentence);

    /// <summary>The command line is wrong.</summary>
    public static CommandFailedException Usage(string sentence) => new(ExitCodes.Usage, sentence);

    /// <summary>Nothing useful answers at the server's address.</summary>
    public static CommandFailedException Unreachable(string sentence, Exception? cause) =>
        new(ExitCodes.Unreachable, sentence, cause) { MayPass = true };
}
