using System.Collections.Immutable;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Tests.Persistence.Conformance;

namespace ReplicationEngine.Tests.Persistence.Properties;

/// <summary>
/// What a store must hold and answer, written down as plainly as possible: streams as lists, one list for the feed.
/// Immutable: each operation makes the next model, with what it expects the store to answer.
/// </summary>
internal sealed record JournalModel
{
    public const string Lease = "region";

    public static JournalModel Empty { get; } = new();

    /// <summary>The feed: each event with its stream.</summary>
    public ImmutableList<(PersistenceId Id, StoredEvent Event)> Feed { get; init; } = [];

    public ImmutableSortedDictionary<string, WakeMark> Wakes { get; init; } =
        ImmutableSortedDictionary.Create<string, WakeMark>(StringComparer.Ordinal);

    public ImmutableSortedDictionary<string, StoredSnapshot> Snapshots { get; init; } =
        ImmutableSortedDictionary.Create<string, StoredSnapshot>(StringComparer.Ordinal);

    public Lease? Held { get; init; }

    /// <summary>Seconds since <see cref="StoreHarness.Now"/>.</summary>
    public int Seconds { get; init; }

    public int Commands { get; init; }

    /// <summary>The request of the last operation, when it was an append.</summary>
    public AppendRequest? Request { get; init; }

    /// <summary>What the store must answer to the last operation.</summary>
    public object? Expected { get; init; }

    public long Epoch => Held?.Epoch ?? 0;

    public DateTimeOffset Now => StoreHarness.Now.AddSeconds(Seconds);

    public ImmutableList<StoredEvent> Stream(PersistenceId id) =>
        [.. Feed.Where(item => item.Id == id).Select(item => item.Event)];

    public StreamHead Head(PersistenceId id) =>
        Stream(id) is [.., var last] ? new StreamHead(last.Sequence, last.Hash) : StreamHead.Start;

    public CommandRecord? Find(PersistenceId id, CommandId command)
    {
        var events = Stream(id).FindAll(stored => stored.CommandId == command);
        return events.IsEmpty ? null : new CommandRecord(command, events[0].Sequence, events[^1].Sequence);
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Feed.Count} events, epoch {Epoch}";

    /// <summary>Judges an append by the rules of the contract: token, command, head.</summary>
    public JournalModel Append(AppendRequest request)
    {
        AppendOutcome outcome = request.Token != new FencingToken(Lease, Epoch)
                ? new AppendOutcome.Fenced(request.Token.Lease == Lease ? Epoch : 0)
            : Find(request.Id, request.CommandId) is { } known ? new AppendOutcome.Duplicate(known)
            : Head(request.Id) != request.Expected ? new AppendOutcome.VersionConflict(Head(request.Id))
            : new AppendOutcome.Appended(new FeedPosition(Feed.Count + request.Events.Length));
        var next = this with { Request = request, Expected = outcome };
        return outcome is AppendOutcome.Appended
            ? next with
            {
                Feed = Feed.AddRange(request.Events.Select(stored => (request.Id, stored))),
                Wakes = Wakes.SetItem(request.Id.Entity, request.Wake),
            }
            : next;
    }
}
