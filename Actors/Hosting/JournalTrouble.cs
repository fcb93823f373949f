using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>
/// The health of the journal as its users last observed it. Trouble begins when a persist or a recovery fails and ends
/// when one succeeds. Safe for concurrent use.
/// </summary>
public sealed class JournalTrouble
{
    private readonly TimeProvider _time;
    private readonly Func<string?> _whyFull;
    private Seen? _seen;
    private Seen? _full;

    internal JournalTrouble(TimeProvider time, Func<string?> whyFull) => (_time, _whyFull) = (time, whyFull);

    /// <summary>The current trouble, as part of a sentence, and when it began; null while the journal works.</summary>
    public (string What, DateTimeOffset Since)? Current
    {
        get
        {
            var full = _whyFull();
            var seen = full is null ? null : Volatile.Read(ref _full) ?? new Seen(full.TrimEnd('.'), _time.GetUtcNow());
            Volatile.Write(ref _full, seen);
            seen ??= Volatile.Read(ref _seen);
            return seen is null ? null : (seen.What, seen.Since);
        }
    }

    /// <summary>Returns a journal exception's message in one line.</summary>
    internal static string Sentence(Exception cause)
    {
        var innermost = cause is AggregateException aggregate ? aggregate.Flatten().InnerExceptions[0] : cause;
        return innermost.Message.ReplaceLineEndings(" ").TrimEnd(' ', '.');
    }

    /// <summary>Returns the message for the sender of a command whose outcome is unknown.</summary>
    internal static string Unknown(PersistenceId id, Exception cause) =>
        $"It is unknown whether the journal has stored this command's events of {id}: {Sentence(cause)}. Resend the "
        + "command with the same command id to learn its outcome.";

    /// <summary>Records that a persist or a recovery failed.</summary>
    internal void Failed(Exception cause)
    {
        var seen = new Seen(Sentence(cause), Volatile.Read(ref _seen)?.Since ?? _time.GetUtcNow());
        Volatile.Write(ref _seen, seen);
    }

    /// <summary>Records that a persist or a recovery succeeded.</summary>
    internal void Ended()
    {
        if (Volatile.Read(ref _seen) is not null)
        {
            Volatile.Write(ref _seen, null);
        }
    }

    private sealed record Seen(string What, DateTimeOffset Since);
}
