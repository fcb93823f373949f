using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>
/// An exported file. Opening it scans the whole file: every checksum and the digest are verified, and a truncated or
/// altered file is refused with the location. For a verification a damaged file can be opened too; then its damage is
/// listed, and everything still readable is read.
/// </summary>
internal sealed class ExportedJournal : RecordedJournal
{
    private readonly FileStream _file;
    private readonly ExportScan _scan;
    private readonly ExportDecoder _decoder;
    private readonly Dictionary<PersistenceId, StreamHead> _heads = [];
    private readonly Dictionary<PersistenceId, StreamHead> _starts = [];

    private ExportedJournal(string path, FileStream file, ExportScan scan)
        : base(path)
    {
        (_file, _scan, _decoder) = (file, scan, scan.Decoder);
        foreach (var (stream, id) in scan.Header.Streams.Zip(_decoder.Streams))
        {
            _heads[id] = new StreamHead(stream.Sequence, ExportDecoder.HashOf(stream.Seal));
            _starts[id] = new StreamHead(stream.BehindSequence, ExportDecoder.HashOf(stream.BehindSeal ?? ""));
        }

        Streams = [.. InOrder(_decoder.Streams.Distinct())];
        Snapshots = [.. scan.Snapshots.Select(place => _decoder.Snapshot(Body(place))).OfType<RecordedSnapshot>()];
    }

    public override long EventCount => _scan.Events.Count;

    public override bool IsWhole => _scan.Header.Whole;

    public override IReadOnlyList<PersistenceId> Streams { get; }

    public override IReadOnlyList<RecordedSnapshot> Snapshots { get; }

    /// <summary>Opens a file that must be intact.</summary>
    /// <exception cref="ExportDamagedException">The file is damaged; the message names the location.</exception>
    /// <exception cref="ReplayRefusedException">The file is an export of another version.</exception>
    public static ExportedJournal OpenWhole(string path)
    {
        var journal = OpenAsItIs(path);
        if (journal._scan.Damages is [var first, ..])
        {
            journal.Dispose();
            throw new ExportDamagedException(path, first.ToString());
        }

        return journal;
    }

    /// <summary>Opens a file that may be damaged, to find the damage.</summary>
    /// <exception cref="ExportDamagedException">The header cannot be read.</exception>
    /// <exception cref="ReplayRefusedException">The file is an export of another version.</exception>
    public static ExportedJournal OpenAsItIs(string path)
    {
        if (RegularFile.IsMissing(path))
        {
            throw new ExportDamagedException(path, RegularFile.Missing);
        }

        var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 20);
        try
        {
            return new ExportedJournal(path, file, ExportScan.Of(path, file));
        }
        catch (Exception exception) when (exception is ExportDamagedException or ReplayRefusedException)
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>All damage in the file.</summary>
    public IReadOnlyList<JournalDamage> Damages => _scan.Damages;

    public override StreamHead BeginsBehind(PersistenceId id) => _starts.GetValueOrDefault(id);

    public override StreamHead? DeclaredHead(PersistenceId id) =>
        _heads.TryGetValue(id, out var head) && head.Sequence > 0 ? head : null;

    public override IEnumerable<RecordedEvent> ReadAll() =>
        _scan.Events.Select(Event).OfType<RecordedEvent>();

    public override IEnumerable<RecordedEvent> Read(PersistenceId id) =>
        (_scan.ByStream.GetValueOrDefault(id) ?? []).Select(Event).OfType<RecordedEvent>();

    public override IEnumerable<JournalDamage> CheckStore() => _scan.OutsideEvents;

    protected override void Dispose(bool disposing) => _file.Dispose();

    private RecordedEvent? Event(ExportPlace place) => _decoder.Event(Body(place)) is not { } recorded ? null
        : _scan.DamageOf(place) is { } damage ? recorded.With(damage) : recorded;

    private byte[] Body(ExportPlace place)
    {
        var body = new byte[place.Length];
        _file.Position = place.Offset;
        _file.ReadExactly(body);
        return body;
    }
}

/// <summary>The location of a record's body in the file.</summary>
internal readonly record struct ExportPlace(long Offset, int Length);
