using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>
/// Verifies one stream, event by event. Seals are verified to the end, each against the stored seal before it, so that
/// every damaged event is reported. Steps are verified up to the first damage, because the state after it is unknown.
/// </summary>
internal sealed class StreamVerification
{
    private readonly EntityReplay? _replay;
    private readonly bool _explain;
    private readonly Action<JournalDamage> _report;
    private readonly Dictionary<CommandId, CommandRecord> _commands = [];
    private readonly SortedDictionary<long, RecordedSnapshot> _snapshots = [];
    private EntityFold? _fold;
    private EntityFold? _fromSnapshot;
    private RecordedSnapshot? _restored;
    private RecordedEvent? _last;
    private StreamHead _head;
    private bool _sealIsUnknown;
    private bool _isNamed;

    /// <summary>Prepares to verify a stream.</summary>
    /// <param name="id">The id of the stream.</param>
    /// <param name="behind">Where the verification begins. After an event, the state is unknown.</param>
    /// <param name="replay">The entity type's replay; null when the type is unknown.</param>
    /// <param name="explain">Whether each command is decided again.</param>
    /// <param name="report">Called for each damage.</param>
    public StreamVerification(
        PersistenceId id, StreamHead behind, EntityReplay? replay, bool explain, Action<JournalDamage> report)
    {
        Id = id;
        _replay = replay;
        _explain = explain;
        _report = report;
        _head = behind;
        _fold = behind.Sequence == 0 ? replay?.Begin() : null;
        if (replay is null)
        {
            report(new JournalDamage(
                DamageKind.Unreadable, id, null, null, null,
                $"this version of the engine does not support entities of type '{id.Type}'"));
        }
    }

    public PersistenceId Id { get; }

    public long Events { get; private set; }

    public long FoldedTo { get; private set; }

    public long? SnapshotAt => _snapshots.Count == 0 ? null : _snapshots.Keys.Max();

    /// <summary>Schedules a snapshot to be compared at its event.</summary>
    public void Expect(RecordedSnapshot snapshot)
    {
        _snapshots[snapshot.Sequence] = snapshot;
        foreach (var flaw in snapshot.Flaws)
        {
            _report(flaw);
        }
    }

    public void Take(RecordedEvent recorded)
    {
        Events++;
        var broken = SealCheck.Next(
            _sealIsUnknown ? _head with { Hash = recorded.Event.Previous } : _head, recorded);
        if (broken is not null && !recorded.Flaws.Contains(broken))
        {
            ReportBroken(broken, recorded);
        }

        foreach (var flaw in recorded.Flaws)
        {
            _report(flaw);
        }

        CheckCommand(recorded);

        Fold(recorded, broken is not null);
        _head = recorded.Event.Head;
        _sealIsUnknown = !recorded.IsReadable;
        if (recorded.Event.Command is { } command)
        {
            EndCommand(recorded, command);
        }

        _last = recorded.IsReadable ? recorded : null;
        CompareSnapshot(recorded);
    }

    /// <summary>Ends the verification when the log has no more events of the stream.</summary>
    public void End(StreamHead? declared)
    {
        if (declared is { } head && head.Sequence > _head.Sequence)
        {
            _report(new JournalDamage(
                DamageKind.Sequence, Id, _head.Sequence + 1, null, null,
                $"it is missing: the stream ends with event {_head.Sequence}, and its stored head is {head.Sequence}"));
        }
        else if (_last is { Event.EndsCommand: false } last)
        {
            ReportEndless(last);
        }

        foreach (var snapshot in _snapshots.Values.Where(snapshot => snapshot.Sequence > _head.Sequence))
        {
            Report(snapshot, $"its snapshot is of event {snapshot.Sequence}, and the stream ends before that");
        }

        if (_restored is { } restored && _fromSnapshot is not null && _fold is not null
            && !SameState(_fromSnapshot, _fold))
        {
            Report(restored, "snapshot and tail lead to another state than the whole history");
        }
    }

    private static bool SameState(EntityFold left, EntityFold right) =>
        left.EncodeState().AsSpan().SequenceEqual(right.EncodeState());

    private void ReportBroken(JournalDamage broken, RecordedEvent recorded)
    {
        var (expected, found) = (_head.Sequence + 1, recorded.Event.Sequence);
        var next = $"event {found} ({recorded.Event.Name}) follows event {_head.Sequence}";
        _report(broken.Kind == DamageKind.Sequence && found > expected
            ? new JournalDamage(
                DamageKind.Sequence, Id, expected, null, null,
                found == expected + 1 ? $"it is missing: {next}"
                    : $"it and those up to {found - 1} are missing: {next}")
            : broken);
    }

    // A command's events are consecutive, have one time and one actor, and the last of them holds the command.
    private void CheckCommand(RecordedEvent recorded)
    {
        var (stored, before) = (recorded.Event, _last?.Event);
        if (!recorded.IsReadable)
        {
            // The command of the previous event may continue after it.
            _commands.Remove(before is { EndsCommand: false } ? before.CommandId : default);
            return;
        }

        if (before is { EndsCommand: false } && before.CommandId == stored.CommandId)
        {
            if (before.Time != stored.Time || before.Actor != stored.Actor)
            {
                _report(JournalDamage.At(
                    DamageKind.Command, recorded,
                    "its time or its actor is not that of the event before it, which the same command led to"));
            }

            return;
        }

        if (before is { EndsCommand: false })
        {
            ReportEndless(_last!);
        }

        if (!_commands.TryAdd(stored.CommandId, new CommandRecord(stored.CommandId, 0, null)))
        {
            _report(JournalDamage.At(
                DamageKind.Command, recorded, $"events of its command {stored.CommandId} already occur earlier"));
        }
    }

    private void ReportEndless(RecordedEvent last) => _report(JournalDamage.At(
        DamageKind.Command, last, $"the last event of its command {last.Event.CommandId} is missing after it"));

    private void Fold(RecordedEvent recorded, bool broken)
    {
        // A step after a gap cannot be verified; one whose content only fails its seal can, and is then reported.
        var gap = broken && recorded.Event.Sequence != _head.Sequence + 1;
        if (_fold is null || gap || !recorded.IsReadable)
        {
            _fold = null;
            _fromSnapshot = null;
            return;
        }

        _fromSnapshot = _fromSnapshot?.Apply(recorded.Event) is null ? _fromSnapshot : null;
        if (_fold.Apply(recorded.Event) is (var kind, var what))
        {
            _report(JournalDamage.At(kind, recorded, what));
            _fold = null;
        }
        else if (broken)
        {
            _fold = null;
        }
        else
        {
            FoldedTo = recorded.Event.Sequence;
            CheckName(recorded);
        }
    }

    // Nothing in a record identifies its stream, but the state does.
    private void CheckName(RecordedEvent recorded)
    {
        if (!_isNamed && _fold!.EntityName is { } name)
        {
            _isNamed = true;
            if (name != Id.Entity)
            {
                _report(JournalDamage.At(
                    DamageKind.Stream, recorded, $"it is an event of '{name}' in the stream of another entity"));
            }
        }
    }

    private void EndCommand(RecordedEvent last, RecordedCommand command)
    {
        var stored = last.Event;
        _commands[stored.CommandId] = new CommandRecord(stored.CommandId, stored.Sequence, command.Digest);
        if (_fold is null)
        {
            return;
        }

        if (_explain && _fold.Explain() is (var kind, var what))
        {
            _report(JournalDamage.At(kind, last, what));
            _fold = null;
        }
        else if (command.Wake != _fold.Wake)
        {
            _report(JournalDamage.At(
                DamageKind.Wake, last,
                $"recorded with it: {Describe(command.Wake)}; derived from the state: {Describe(_fold.Wake)}"));
        }
    }

    private static string Describe(WakeMark mark) =>
        (mark.OwesEffects ? "effects outstanding" : "no effects outstanding")
        + (mark.NextDue is { } due ? $", a timer armed for {due.UtcDateTime:O}" : ", no timer armed");

    private void CompareSnapshot(RecordedEvent recorded)
    {
        if (!_snapshots.TryGetValue(recorded.Event.Sequence, out var there) || there.Snapshot is not { } snapshot
            || there.Flaws.Count > 0 || !recorded.IsReadable || _replay is null
            || snapshot.Version != _replay.SnapshotVersion)
        {
            return;
        }

        if (Objection(snapshot, recorded.Event) is { } objection)
        {
            Report(there, objection);
            return;
        }

        try
        {
            var restored = _replay.Restore(snapshot);
            if (_fold is not null && !SameState(restored, _fold))
            {
                Report(there, "its snapshot differs from the state that the events up to it lead to");
            }

            (_fromSnapshot, _restored) = (restored, there);
        }
        catch (UnreadableEventException exception)
        {
            Report(there, $"its snapshot cannot be read: {exception.Message.TrimEnd('.')}");
        }
    }

    private string? Objection(EntitySnapshot snapshot, StoredEvent stored)
    {
        if (snapshot.Head.Hash != stored.Hash)
        {
            return "the seal in its snapshot differs from that of the event after which it was taken";
        }

        if (!stored.EndsCommand || snapshot.DecidedAt != stored.Time)
        {
            return "its snapshot was not taken at the end of a command, or has a wrong time";
        }

        // A command that changed nothing has no event, and is recorded with the last event before it.
        return snapshot.Commands.Items.Any(command => _commands.TryGetValue(command.CommandId, out var known)
            ? command != known : command.LastSequence > stored.Sequence)
            ? "a command in its snapshot differs from the events" : null;
    }

    private void Report(RecordedSnapshot snapshot, string what) => _report(new JournalDamage(
        DamageKind.Snapshot, Id, snapshot.Sequence, null, null, what));
}
