using System.Text.Json.Serialization.Metadata;

namespace ReplicationEngine.Actors.Projections;

/// <summary>
/// A document of a read model: JSON under an id. Ids of one kind are ordered by their code units, so an id that begins
/// with what documents are listed by makes them easy to list. A document's members are plain values: a store may change
/// the order of members.
/// </summary>
/// <typeparam name="TSelf">The document's own type.</typeparam>
public interface IDocument<TSelf>
    where TSelf : class, IDocument<TSelf>
{
    /// <summary>The kind's name: letters, digits and hyphens.</summary>
    static abstract string Kind { get; }

    /// <summary>How it is written as JSON.</summary>
    static abstract JsonTypeInfo<TSelf> Form { get; }

    /// <summary>What it is found by; 1 to 512 characters.</summary>
    string Id { get; }
}

/// <summary>A part of the documents of a kind, in the order of their ids.</summary>
/// <param name="Prefix">What the ids begin with; empty for all.</param>
/// <param name="Most">How many at most.</param>
/// <param name="After">The id behind which the part begins, in its direction; null for the beginning.</param>
/// <param name="Descending">From the last id to the first.</param>
public sealed record DocumentRange(string Prefix, int Most, string? After = null, bool Descending = false);
