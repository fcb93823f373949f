using Akka.Actor.Setup;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Actors.Projections;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>
/// Where the engine keeps its events: a journal and a snapshot plugin of Akka.Persistence, and a way to read what they
/// store. Every implementation passes the conformance suite in Tests/Persistence.
/// </summary>
public interface IEngineStore
{
    /// <summary>Reads what the journal plugin has stored.</summary>
    IEventLog Log { get; }

    /// <summary>Keeps the documents of the projections.</summary>
    IDocumentStore Documents { get; }

    /// <summary>
    /// The configuration (HOCON) of the plugins, their serializer included, with
    /// <c>akka.persistence.journal.plugin</c> and <c>akka.persistence.snapshot-store.plugin</c>.
    /// </summary>
    string Configuration { get; }

    /// <summary>What the plugins need that a text cannot hold.</summary>
    IReadOnlyList<Setup> Setups { get; }

    /// <summary>Opens the store, creating it when it is missing, before any actor is started.</summary>
    /// <exception cref="JournalInUseException">Another process has it open.</exception>
    /// <exception cref="JournalCorruptException">It is damaged.</exception>
    /// <exception cref="JournalUnavailableException">It cannot be opened, or is of another form.</exception>
    void Open();

    /// <summary>
    /// Why nothing more can be stored, as a sentence with its remedy; null while there is room. Asked before each
    /// command's events, so that a full store refuses a command whole (I27).
    /// </summary>
    string? WhyFull();

    /// <summary>
    /// Moves old events out of the journal into its archive, where streams are read on as before: those that stand
    /// before their stream's snapshot and were decided before a time. At least the last command's events of each
    /// stream stay.
    /// </summary>
    /// <param name="before">The time.</param>
    /// <param name="atLeast">A stream with less of such events is left as it is.</param>
    /// <param name="cancellationToken">Ends it between two files.</param>
    /// <exception cref="JournalUnavailableException">The journal or the archive cannot be read or written; what was
    /// moved before is moved.</exception>
    ValueTask<ArchivedEvents> ArchiveAsync(DateTimeOffset before, int atLeast, CancellationToken cancellationToken);

    /// <summary>Closes the store, after all actors have ended.</summary>
    void Close();
}

/// <summary>What was moved to a journal's archive.</summary>
/// <param name="Events">How many events.</param>
/// <param name="Files">Into how many files.</param>
/// <param name="Left">What is damaged and was therefore left where it is, in a sentence each.</param>
public sealed record ArchivedEvents(long Events, int Files, IReadOnlyList<string> Left);
