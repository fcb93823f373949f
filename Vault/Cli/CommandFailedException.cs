namespace ReplicationEngine.Vault.Cli;

/// <summary>
/// Ends a command with an exit code and one clear sentence for stderr. The commands throw it, and the command line
/// catches it in one place; the handlers of <c>serve</c> and <c>agent</c> may throw it too.
/// </summary>
internal sealed class CommandFailedException(int exitCode, string sentence,
    Exception? cause = null) : Exception(sentence, cause)
{
    /// <summary>The exit code, a value of <see cref="ExitCodes"/>.</summary>
    public int ExitCode { get; } = exitCode;

    /// <summary>
    /// True when the server is unreachable or not ready. A wait for a job retries after such a failure.
    /// </summary>
    public bool MayPass { get; init; }

    /// <summary>
    /// True when the service received the command and does not know yet whether it took effect. Sending it again with
    /// the same command id returns the outcome and runs nothing twice (I19).
    /// </summary>
    public bool OutcomeUnknown { get; init; }

    /// <summary>Returns the failure of a command that the server refused, or whose work failed.</summary>
    public static CommandFailedException Refused(string sentence) => new(ExitCodes.Refused, sentence);

    /// <summary>Returns the failure of a command line that is wrong.</summary>
    public static CommandFailedException Usage(string sentence) => new(ExitCodes.Usage, sentence);

    /// <summary>Returns the failure of a command that got no usable response from the server's address.</summary>
    public static CommandFailedException Unreachable(string sentence, Exception? cause) =>
        new(ExitCodes.Unreachable, sentence, cause) { MayPass = true };
}
