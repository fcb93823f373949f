using System.Text.Json.Serialization.Metadata;

namespace ReplicationEngine.Actors.Projections;

/// <summary>
/// A document of a read model: JSON under an id. Ids of one kind are ordered by their code units, so documents can be
/// listed by a common prefix of their ids. Members must be plain values: a store may change their order.
/// </summary>
/// <typeparam name="TSelf">The document's own type.</typeparam>
public interface IDocument<TSelf>
    where TSelf : class, IDocument<TSelf>
{
    /// <summary>The name of the kind: letters, digits and hyphens.</summary>
    static abstract string Kind { get; }

    /// <summary>The JSON serialization of the document.</summary>
    static abstract JsonTypeInfo<TSelf> Form { get; }

    /// <summary>The id of the document, 1 to 512 characters.</summary>
    string Id { get; }
}

/// <summary>A range of the documents of a kind, ordered by id.</summary>
/// <param name="Prefix">The common prefix of the ids; empty for all.</param>
/// <param name="Most">The maximum number of documents.</param>
/// <param name="After">The id after which the range begins, in its direction; null for the beginning.</param>
/// <param name="Descending">Whether the order is from the last id to the first.</param>
public sealed record DocumentRange(string Prefix, int Most, string? After = null, bool Descending = false);
