using FsCheck;
using FsCheck.Experimental;
using FsCheck.Fluent;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Tests.Persistence.Conformance;
using static ReplicationEngine.Tests.Persistence.Conformance.StoreHarness;

namespace ReplicationEngine.Tests.Persistence.Properties;

/// <summary>How an append is made wrong, if it is.</summary>
internal enum AppendKind
{
    Right,
    BehindAnOlderHead,
    BehindAForgedHead,
    UnderAnOlderEpoch,
    UnderAnUnknownLease,
    OfAKnownCommand,
}

/// <summary>One thing done to a store and to its model; afterwards everything that can be read is compared.</summary>
internal sealed class JournalOperation(
    string what, Func<JournalModel, JournalModel> run, Func<StoreHarness, JournalModel, Task<object?>> act,
    Func<JournalModel, bool>? when = null) : Operation<StoreHarness, JournalModel>
{
    private static readonly string[] Entities = ["a", "b", "c"];

    public static Gen<Operation<StoreHarness, JournalModel>> Any(JournalModel model) =>
        from pick in Gen.Choose(0, 19)
        from entity in Gen.Elements(Entities)
        from number in Gen.Choose(0, 1000)
        select (Operation<StoreHarness, JournalModel>)Of(model, pick, entity, number);

    public override JournalModel Run(JournalModel model) => run(model with { Request = null, Expected = null });

    public override bool Pre(JournalModel model) => when?.Invoke(model) ?? true;

    public override Property Check(StoreHarness store, JournalModel model)
    {
        var answer = act(store, model).GetAwaiter().GetResult();
        var wrong = Equals(answer, model.Expected) ? Compare(store, model).GetAwaiter().GetResult()
            : $"the answer is {model.Expected}, not {answer}";
        return (wrong is null).Label($"{what}: then {wrong}");
    }

    public override string ToString() => "when " + what;

    private static JournalOperation Of(JournalModel model, int pick, string entity, int number) => pick switch
    {
        0 or 1 => Own(number % 2 == 0 ? "node" : "other", number % 3 == 0),
        2 => Release(),
        3 => Pass(number % 40),
        4 => Reopen(),
        5 => Snapshot(entity, number),
        6 => LoseTheAnswer(entity, number % 2 == 0),
        7 => Renew(),
        < 12 => Append(entity, AppendKind.Right, 1 + (number % 3), number),
        _ => Append(entity, (AppendKind)(number % 6), 1 + (number % 3), number),
    };

    private static JournalOperation Append(string entity, AppendKind kind, int events, int number) => new(
        $"{events} events are appended to {entity}, {kind}",
        model => model.Append(Request(model, Id(entity), kind, events, number)) with { Commands = model.Commands + 1 },
        async (store, model) => await store.Journal.AppendAsync(model.Request!, default));

    // The answer is lost, and whether the events were written: a new epoch settles it, and the command is sent again.
    private static JournalOperation LoseTheAnswer(string entity, bool written) => new(
        $"the answer to an append to {entity} is lost, {(written ? "written" : "not written")}; it is sent again",
        model =>
        {
            var request = Request(model, Id(entity), AppendKind.Right, 2, 7);
            var settled = (written ? model.Append(request) : model) with
            {
                Held = new Lease(JournalModel.Lease, model.Held!.Owner, model.Epoch + 1, DateTimeOffset.MaxValue),
            };
            var again = request with { Token = new FencingToken(JournalModel.Lease, settled.Epoch) };
            return settled.Append(again) with { Commands = model.Commands + 1 };
        },
        async (store, model) =>
        {
            var late = model.Request! with { Token = new FencingToken(JournalModel.Lease, model.Epoch - 1) };
            if (written)
            {
                await store.Journal.AppendAsync(late, default);
            }

            await store.Leases.AcquireAsync(
                JournalModel.Lease, model.Held!.Owner, model.Now, DateTimeOffset.MaxValue, default);
            var arrivesLate = await store.Journal.AppendAsync(late, default);
            return arrivesLate is AppendOutcome.Fenced
                ? await store.Journal.AppendAsync(model.Request!, default) : $"a late append gave {arrivesLate}";
        },
        model => model.Held is not null);

    private static JournalOperation Own(string owner, bool forEver) => new(
        $"{owner} asks for the lease",
        model =>
        {
            var expires = forEver ? DateTimeOffset.MaxValue : model.Now.AddSeconds(30);
            var free = model.Held is not { } held || held.Owner == owner || held.ExpiresAt <= model.Now;
            var granted = new Lease(JournalModel.Lease, owner, model.Epoch + 1, expires);
            return free ? model with { Held = granted, Expected = new LeaseOutcome.Granted(granted) }
                : model with { Expected = new LeaseOutcome.Held(model.Held!) };
        },
        async (store, model) => await store.Leases.AcquireAsync(
            JournalModel.Lease, owner, model.Now,
            forEver ? DateTimeOffset.MaxValue : model.Now.AddSeconds(30), default));

    private static JournalOperation Renew() => new(
        "the lease is renewed",
        model => model.Held!.ExpiresAt == DateTimeOffset.MinValue
            ? model with { Expected = new LeaseOutcome.Held(model.Held) }
            : Granted(model, model.Held with { ExpiresAt = model.Now.AddSeconds(60) }),
        async (store, model) => await store.Leases.RenewAsync(model.Held!, model.Now.AddSeconds(60), default),
        model => model.Held is not null);

    private static JournalModel Granted(JournalModel model, Lease lease) =>
        model with { Held = lease, Expected = new LeaseOutcome.Granted(lease) };

    private static JournalOperation Release() => new(
        "the lease is given back",
        model => model with { Held = model.Held! with { ExpiresAt = DateTimeOffset.MinValue } },
        async (store, model) =>
        {
            await store.Leases.ReleaseAsync(model.Held!.Token, default);
            return null;
        },
        model => model.Held is not null);

    private static JournalOperation Pass(int seconds) => new(
        $"{seconds} seconds pass",
        model => model with { Seconds = model.Seconds + seconds },
        (_, _) => Task.FromResult<object?>(null));

    // A store with a file of its own takes whoever held a lease for gone when it is opened: so it is given back first.
    private static JournalOperation Reopen() => new(
        "the lease is given back and the store is opened again",
        model => model.Held is { } held
            ? model with { Held = held with { ExpiresAt = DateTimeOffset.MinValue } } : model,
        async (store, model) =>
        {
            if (model.Held is { } held)
            {
                await store.Leases.ReleaseAsync(held.Token, default);
            }

            store.Reopen();
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
            await store.Snapshots.SaveAsync(Taken(model, entity, number), default);
            return null;
        },
        model => !model.Stream(Id(entity)).IsEmpty);

    private static StoredSnapshot Taken(JournalModel model, string entity, int number)
    {
        var events = model.Stream(Id(entity));
        var last = events[number % events.Count];
        return StoredSnapshot.Create(
            Id(entity), 1, new StreamHead(last.Sequence, last.Hash), BitConverter.GetBytes(last.Sequence * 31));
    }

    private static AppendRequest Request(JournalModel model, PersistenceId id, AppendKind kind, int events, int number)
    {
        var token = kind switch
        {
            AppendKind.UnderAnOlderEpoch => new FencingToken(JournalModel.Lease, model.Epoch - 1),
            AppendKind.UnderAnUnknownLease => new FencingToken("nobody's", 1),
            _ => new FencingToken(JournalModel.Lease, model.Epoch),
        };
        var stream = model.Stream(id);
        var head = kind switch
        {
            AppendKind.BehindAnOlderHead when stream.Count > 1 =>
                new StreamHead(stream[^2].Sequence, stream[^2].Hash),
            AppendKind.BehindAForgedHead => new StreamHead(model.Head(id).Sequence, new ChainHash(new byte[32])),
            _ => model.Head(id),
        };
        var command = kind == AppendKind.OfAKnownCommand && model.Commands > 0
            ? number % model.Commands : model.Commands;
        var wake = new WakeMark(number % 2 == 0 ? Now.AddSeconds(number) : null, number % 3 == 0);
        return StoreHarness.Request(id, token, head, command, events, wake);
    }

    /// <summary>The first thing in which store and model differ; null when they agree.</summary>
    private static async Task<string?> Compare(StoreHarness store, JournalModel model)
    {
        var half = model.Feed.Count / 2;
        var feed = (await store.Journal.ReadFeedAsync(FeedPosition.Start, half, default))
            .Concat(await store.Journal.ReadFeedAsync(new FeedPosition(half), 10_000, default)).ToList();
        if (!feed.Select(item => (item.Position.Value, item.Id, Flat(item.Event))).SequenceEqual(
            model.Feed.Select((item, index) => (index + 1L, item.Id, Flat(item.Event)))))
        {
            return $"the feed has {feed.Count} events, not the {model.Feed.Count} of the model, or others";
        }

        foreach (var entity in Entities)
        {
            var expected = model.Stream(Id(entity));
            var first = await store.Journal.ReadStreamAsync(Id(entity), StreamHead.Start, 3, default);
            var head = first.Events is [.., var last] ? new StreamHead(last.Sequence, last.Hash) : StreamHead.Start;
            var rest = await store.Journal.ReadStreamAsync(Id(entity), head, 10_000, default);
            if (!first.Events.Concat(rest.Events).Select(Flat).SequenceEqual(expected.Select(Flat)))
            {
                return $"the stream of {entity} is not that of the model";
            }

            var snapshot = await store.Snapshots.LoadAsync(Id(entity), default);
            if (snapshot?.Head != model.Snapshots.GetValueOrDefault(entity)?.Head || snapshot is { IsIntact: false })
            {
                return $"the snapshot of {entity} is that of event {snapshot?.Head.Sequence}";
            }

            var command = Command(Math.Max(0, model.Commands - 2));
            if (await store.Journal.FindCommandAsync(Id(entity), command, default) != model.Find(Id(entity), command))
            {
                return $"the command {command} is not found where it is in {entity}";
            }
        }

        var wakes = await store.Reminders.ListWakesAsync("counter", default);
        return wakes.SequenceEqual(model.Wakes.Where(pair => pair.Value != WakeMark.None)
            .Select(pair => new WakeEntry(Id(pair.Key), pair.Value))) ? null : "the reminders are others";
    }

    private static string Flat(StoredEvent stored) =>
        $"{stored.Sequence} {stored.Name} {Convert.ToHexString(stored.Payload)} {stored.Time.UtcTicks} "
        + $"{stored.CommandId} {stored.Hash}";
}
