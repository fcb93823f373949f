using Akka.Actor.Setup;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Actors.Projections;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>
/// The storage of the engine: a journal plugin and a snapshot plugin of Akka.Persistence, and a way to read what they
/// store. Every implementation passes the conformance suite in Tests/Persistence.
/// </summary>
public interface IEngineStore
{
    /// <summary>Reads the events that the journal plugin has stored.</summary>
    IEventLog Log { get; }

    /// <summary>The store of the projections' documents.</summary>
    IDocumentStore Documents { get; }

    /// <summary>
    /// The configuration (HOCON) of the plugins, their serializer included, with
    /// <c>akka.persistence.journal.plugin</c> and <c>akka.persistence.snapshot-store.plugin</c>.
    /// </summary>
    string Configuration { get; }

    /// <summary>Settings of the plugins that a configuration text cannot hold.</summary>
    IReadOnlyList<Setup> Setups { get; }

    /// <summary>Opens the store before any actor starts, and creates it when it is missing.</summary>
    /// <exception cref="JournalInUseException">Another process has the store open.</exception>
    /// <exception cref="JournalCorruptException">The store is damaged.</exception>
    /// <exception cref="JournalUnavailableException">The store cannot be opened or has another format.</exception>
    void Open();

    /// <summary>
    /// Returns why nothing more can be stored, as a sentence with a remedy; null while there is room. Called before
    /// each command's events are stored, so that a full store refuses the whole command (I27).
    /// </summary>
    string? WhyFull();

    /// <summary>
    /// Moves old events from the journal into its archive, where streams are still readable. An event is moved when it
    /// precedes its stream's snapshot and was decided before a given time. At least the last command's events of each
    /// stream stay.
    /// </summary>
    /// <param name="before">The time before which events must have been decided.</param>
    /// <param name="atLeast">A stream with fewer movable events is left unchanged.</param>
    /// <param name="cancellationToken">Stops the operation between two files.</param>
    /// <exception cref="JournalUnavailableException">The journal or the archive cannot be read or written. Files
    /// already moved stay moved.</exception>
    ValueTask<ArchivedEvents> ArchiveAsync(DateTimeOffset before, int atLeast, CancellationToken cancellationToken);

    /// <summary>Closes the store, after all actors have ended.</summary>
    void Close();
}

/// <summary>The result of a move of events to a journal's archive.</summary>
/// <param name="Events">The number of events moved.</param>
/// <param name="Files">The number of files written.</param>
/// <param name="Left">Damaged parts that were left in place, one sentence each.</param>
public sealed record ArchivedEvents(long Events, int Files, IReadOnlyList<string> Left);
