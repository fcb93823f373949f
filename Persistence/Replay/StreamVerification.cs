using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>
/// Judges one stream, event by event. Seals are judged to the end, each against the seal stored before it, so that
/// every damaged event is named and not only the first. Steps are judged up to the first damage: behind it the state is
/// not known.
/// </summary>
internal sealed class StreamVerification
{
    private readonly EntityReplay? _replay;
    private readonly bool _explain;
    private readonly Action<JournalDamage> _report;
    private readonly HashSet<CommandId> _commands = [];
    private EntityFold? _fold;
    private EntityFold? _fromSnapshot;
    private StoredSnapshot? _snapshot;
    private RecordedEvent? _last;
    private StreamHead _head;

    public StreamVerification(PersistenceId id, EntityReplay? replay, bool explain, Action<JournalDamage> report)
    {
        Id = id;
        _replay = replay;
        _explain = explain;
        _report = report;
        _fold = replay?.Begin();
        if (replay is null)
        {
            Report(new JournalDamage(
                DamageKind.Unreadable, id, null, null, null,
                id.Type == "no-stream" ? "its events belong to no stream that the store knows"
                    : $"this version of the engine knows no entities of type '{id.Type}'"));
        }
    }

    public PersistenceId Id { get; }

    public long Events { get; private set; }

    public long FoldedTo { get; private set; }

    public long? SnapshotAt => _snapshot?.Head.Sequence;

    /// <summary>Has the snapshot compared when its event comes.</summary>
    public void Expect(StoredSnapshot snapshot)
    {
        _snapshot = snapshot;
        if (!snapshot.IsIntact)
        {
            ReportSnapshot("the checksum of its snapshot is wrong");
        }
    }

    public void Take(RecordedEvent recorded)
    {
        if (_last is { } last && last.Event.CommandId != recorded.Event.CommandId)
        {
            EndCommand(last);
        }

        Events++;
        var broken = SealCheck.Next(_head, recorded);
        if (broken is not null)
        {
            ReportBroken(broken, recorded);
        }

        if (_last?.Event.CommandId != recorded.Event.CommandId && !_commands.Add(recorded.Event.CommandId))
        {
            Report(JournalDamage.At(
                DamageKind.Command, recorded,
                $"events of its command {recorded.Event.CommandId} stand further up already"));
        }

        Fold(recorded, broken is not null);
        _last = recorded;
        _head = new StreamHead(recorded.Event.Sequence, recorded.Event.Hash);
        CompareSnapshot(recorded);
    }

    /// <summary>The log has no more events of the stream.</summary>
    public void End(StreamHead? declared)
    {
        if (_last is { } last)
        {
            EndCommand(last);
        }

        if (declared is { } head && head.Sequence > _head.Sequence)
        {
            Report(new JournalDamage(
                DamageKind.Sequence, Id, _head.Sequence + 1, null, null,
                $"it is missing: the stream ends with event {_head.Sequence}, and its stored head is {head.Sequence}"));
        }

        if (_snapshot is not { } snapshot)
        {
            return;
        }

        if (snapshot.Head.Sequence > _head.Sequence)
        {
            ReportSnapshot($"its snapshot is of event {snapshot.Head.Sequence}, and the stream ends before that");
        }
        else if (_fromSnapshot is not null && _fold is not null && !SameState(_fromSnapshot, _fold))
        {
            ReportSnapshot("snapshot and tail give another state than the whole history");
        }
    }

    private static bool SameState(EntityFold left, EntityFold right) =>
        left.EncodeState().AsSpan().SequenceEqual(right.EncodeState());

    private void ReportBroken(JournalDamage broken, RecordedEvent recorded)
    {
        var (expected, found) = (_head.Sequence + 1, recorded.Event.Sequence);
        var next = $"event {found} ({recorded.Event.Name}) follows event {_head.Sequence}";
        Report(broken.Kind == DamageKind.Sequence && found > expected
            ? new JournalDamage(
                DamageKind.Sequence, Id, expected, null, null,
                found == expected + 1 ? $"it is missing: {next}"
                    : $"it and those up to {found - 1} are missing: {next}")
            : broken);
    }

    private void Fold(RecordedEvent recorded, bool broken)
    {
        // A step behind a gap cannot be judged; one whose content only fails its seal still can, and is named then.
        var gap = broken && recorded.Event.Sequence != _head.Sequence + 1;
        if (_fold is null || gap)
        {
            _fold = null;
            _fromSnapshot = null;
            return;
        }

        _fromSnapshot = _fromSnapshot?.Apply(recorded.Event) is null ? _fromSnapshot : null;
        if (_fold.Apply(recorded.Event) is (var kind, var what))
        {
            Report(JournalDamage.At(kind, recorded, what));
            _fold = null;
        }
        else if (broken)
        {
            _fold = null;
        }
        else
        {
            FoldedTo = recorded.Event.Sequence;
        }
    }

    private void EndCommand(RecordedEvent last)
    {
        if (_fold is null)
        {
            return;
        }

        if (_explain && _fold.IsExplained() is false)
        {
            Report(JournalDamage.At(
                DamageKind.Unexplained, last,
                "no command that this version of the engine knows could have led to it in the state before it"));
            _fold = null;
        }
        else if (last.Wake.OwesEffects != _fold.OwesEffects || last.Wake.NextDue is null == _fold.HasTimers)
        {
            Report(JournalDamage.At(
                DamageKind.Wake, last,
                $"stored beside it: {Describe(last.Wake.OwesEffects, last.Wake.NextDue is not null)}; by the state: "
                + Describe(_fold.OwesEffects, _fold.HasTimers)));
        }
    }

    private static string Describe(bool owes, bool timers) =>
        $"{(owes ? "effects owed" : "no effects owed")}, {(timers ? "a timer armed" : "no timer armed")}";

    private void CompareSnapshot(RecordedEvent recorded)
    {
        if (_snapshot is not { IsIntact: true } snapshot || snapshot.Head.Sequence != recorded.Event.Sequence
            || _replay is null || snapshot.Version != _replay.SnapshotVersion)
        {
            return;
        }

        if (snapshot.Head.Hash != recorded.Event.Hash)
        {
            ReportSnapshot("its snapshot carries another seal than the event it was taken after");
            return;
        }

        try
        {
            var restored = _replay.Restore(snapshot);
            if (_fold is not null && !SameState(restored, _fold))
            {
                ReportSnapshot("its snapshot is not the state that the events up to it give");
            }

            _fromSnapshot = restored;
        }
        catch (UnreadableEventException exception)
        {
            ReportSnapshot($"its snapshot cannot be read: {exception.Message}");
        }
    }

    private void ReportSnapshot(string what) => Report(new JournalDamage(
        DamageKind.Snapshot, Id, _snapshot!.Head.Sequence, null, null, what));

    private void Report(JournalDamage damage) => _report(damage);
}
