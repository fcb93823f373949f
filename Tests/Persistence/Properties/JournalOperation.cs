using FsCheck;
using FsCheck.Experimental;
using FsCheck.Fluent;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Tests.Persistence.Conformance;
using static ReplicationEngine.Tests.Persistence.Conformance.StoreHarness;

namespace ReplicationEngine.Tests.Persistence.Properties;

/// <summary>How a write is made wrong, if it is.</summary>
internal enum WriteKind
{
    Right,
    UnderATakenNumber,
    OfAKnownCommand,
}

/// <summary>One thing done to a store and to its model; afterwards everything that can be read is compared.</summary>
internal sealed class JournalOperation(
    string what, Func<JournalModel, JournalModel> run, Func<StoreHarness, JournalModel, Task<string?>> act,
    Func<JournalModel, bool>? when = null) : Operation<StoreHarness, JournalModel>
{
    private static readonly string[] Entities = ["a", "b", "c"];

    public static Gen<Operation<StoreHarness, JournalModel>> Any(JournalModel model) =>
        from pick in Gen.Choose(0, 19)
        from entity in Gen.Elements(Entities)
        from number in Gen.Choose(0, 1000)
        select (Operation<StoreHarness, JournalModel>)Of(pick, entity, number);

    public override JournalModel Run(JournalModel model) => run(model with { Written = [], Taken = false });

    public override bool Pre(JournalModel model) => when?.Invoke(model) ?? true;

    public override Property Check(StoreHarness store, JournalModel model)
    {
        var wrong = act(store, model).GetAwaiter().GetResult() ?? Compare(store, model).GetAwaiter().GetResult();
        return (wrong is null).Label($"{what}: then {wrong}");
    }

    public override string ToString() => "when " + what;

    private static JournalOperation Of(int pick, string entity, int number) => pick switch
    {
        0 => Reopen(),
        1 or 2 => Snapshot(entity, number),
        < 12 => Write(entity, WriteKind.Right, 1 + (number % 3), number),
        _ => Write(entity, (WriteKind)(number % 3), 1 + (number % 3), number),
    };

    private static JournalOperation Write(string entity, WriteKind kind, int events, int number) => new(
        $"{events} events are written to {entity}, {kind}",
        model => model.Write(Id(entity), Made(model, Id(entity), kind, events, number)),
        async (store, model) =>
        {
            var failure = await store.WriteAsync(Id(entity), [.. model.Written]);
            return failure is null == model.Taken ? null
                : model.Taken ? $"the write failed: {failure!.Message}" : "the write was taken";
        });

    private static JournalOperation Reopen() => new(
        "the store is opened again",
        model => model,
        async (store, _) =>
        {
            await store.ReopenAsync();
            return null;
        });

    private static JournalOperation Snapshot(string entity, int number) => new(
        $"a snapshot of {entity} is saved",
        model =>
        {
            var snapshot = Taken(model, entity, number);
            var known = model.Snapshots.GetValueOrDefault(entity);
            return known is not null && known.Head.Sequence > snapshot.Head.Sequence ? model
                : model with { Snapshots = model.Snapshots.SetItem(entity, snapshot) };
        },
        async (store, model) =>
        {
            await store.SaveAsync(Id(entity), Taken(model, entity, number));
            return null;
        },
        model => !model.Stream(Id(entity)).IsEmpty);

    private static EntitySnapshot Taken(JournalModel model, string entity, int number)
    {
        var events = model.Stream(Id(entity));
        var last = events[number % events.Count];
        return Journal_conformance.Snapshot(last.Head, BitConverter.GetBytes(last.Sequence * 31));
    }

    private static StoredEvent[] Made(JournalModel model, PersistenceId id, WriteKind kind, int events, int number)
    {
        var stream = model.Stream(id);
        var head = kind == WriteKind.UnderATakenNumber && stream.Count > 0
            ? (stream.Count > 1 ? stream[^2].Head : StreamHead.Start) : model.Head(id);
        var command = kind == WriteKind.OfAKnownCommand && model.Commands > 0
            ? number % model.Commands : model.Commands;
        var wake = new WakeMark(number % 2 == 0 ? Now.AddSeconds(number) : null, number % 3 == 0);
        return Events(id, head, command, events, wake, number % 5 == 0 ? $"digest-{number}" : null);
    }

    /// <summary>The first thing in which store and model differ; null when they agree.</summary>
    private static async Task<string?> Compare(StoreHarness store, JournalModel model)
    {
        await store.ShownAsync();
        var first = await store.Log.ReadFeedAsync(FeedPosition.Start, model.Feed.Count / 2, default);
        var rest = await store.Log.ReadFeedAsync(first is [.., var end] ? end.Position : default, 10_000, default);
        if (!first.Concat(rest).Select(item => (item.Id, Flat(item.Event)))
            .SequenceEqual(model.Feed.Select(item => (item.Id, Flat(item.Event)))))
        {
            return $"the feed has {first.Count + rest.Count} events, not the {model.Feed.Count} of the model, "
                + "or others";
        }

        foreach (var entity in Entities)
        {
            if (await Compare(store, model, entity) is { } wrong)
            {
                return wrong;
            }
        }

        var wakes = await store.Log.ListWakesAsync("counter", default);
        return wakes.SequenceEqual(model.Wakes(Entities.Select(entity => Id(entity))))
            ? null : "the wake index is another";
    }

    private static async Task<string?> Compare(StoreHarness store, JournalModel model, string entity)
    {
        var expected = model.Stream(Id(entity));
        var first = await store.Log.ReadStreamAsync(Id(entity), StreamHead.Start, 3, default);
        var head = first.Events is [.., var last] ? last.Head : StreamHead.Start;
        var rest = await store.Log.ReadStreamAsync(Id(entity), head, 10_000, default);
        if (!first.Events.Concat(rest.Events).Select(Flat).SequenceEqual(expected.Select(Flat)))
        {
            return $"the stream of {entity} is not that of the model";
        }

        var records = await store.RecoverAsync(Id(entity));
        var snapshot = records.OfType<EntitySnapshot>().SingleOrDefault();
        if (snapshot?.Head != model.Snapshots.GetValueOrDefault(entity)?.Head || snapshot is { IsIntact: false })
        {
            return $"the snapshot of {entity} is that of event {snapshot?.Head.Sequence}";
        }

        var behind = expected.Where(stored => stored.Sequence > (snapshot?.Head.Sequence ?? 0));
        if (!records.OfType<StoredEvent>().Select(Flat).SequenceEqual(behind.Select(Flat)))
        {
            return $"{entity} recovers from other events";
        }

        var command = Command(Math.Max(0, model.Commands - 2));
        return await store.Log.FindCommandAsync(Id(entity), command, default) == model.Find(Id(entity), command)
            ? null : $"the command {command} is not found where it is in {entity}";
    }
}
