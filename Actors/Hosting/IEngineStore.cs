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

    /// <summary>Closes the store, after all actors have ended.</summary>
    void Close();
}
