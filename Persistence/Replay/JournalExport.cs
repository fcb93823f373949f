using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>Exports a log, or some of its streams, to a file.</summary>
public sealed class JournalExport
{
    private const long ReportEvery = 8_192;
    private readonly RecordedJournal _journal;
    private readonly HashSet<PersistenceId> _chosen;

    /// <summary>Prepares an export.</summary>
    /// <param name="journal">The log.</param>
    /// <param name="streams">The streams to export; empty for all.</param>
    public JournalExport(RecordedJournal journal, IReadOnlyCollection<PersistenceId> streams)
    {
        ArgumentNullException.ThrowIfNull(journal);
        ArgumentNullException.ThrowIfNull(streams);
        _journal = journal;
        IsWhole = streams.Count == 0 && journal.IsWhole;
        _chosen = [.. streams.Count == 0 ? journal.Streams : streams];
    }

    /// <summary>Whether all streams of a journal are exported.</summary>
    public bool IsWhole { get; }

    /// <summary>Writes the file, which gets its final name only when it is complete.</summary>
    /// <returns>The number of events.</returns>
    /// <exception cref="ReplayRefusedException">The file already exists.</exception>
    /// <exception cref="JournalCorruptException">A file of the log's archive is missing or damaged.</exception>
    public long Write(string path, Action<ReplayProgress>? progress, CancellationToken cancellationToken)
    {
        if (File.Exists(path) || Directory.Exists(path))
        {
            throw new ReplayRefusedException($"{path} already exists; name a new file.");
        }

        foreach (var id in _chosen)
        {
            _journal.RequireWhole(id);
        }

        var part = path + ".part";
        try
        {
            var header = Survey(cancellationToken);
            using (var stream = new FileStream(
                part, FileMode.Create, FileAccess.Write, FileShare.None, 1 << 20, FileOptions.WriteThrough))
            {
                Write(stream, header, progress, cancellationToken);
            }

            File.Move(part, path, overwrite: false);
            return header.Events;
        }
        finally
        {
            File.Delete(part);
        }
    }

    private ExportHeader Survey(CancellationToken cancellationToken)
    {
        var heads = new Dictionary<PersistenceId, (long Events, StreamHead Head)>();
        var names = new SortedSet<string>(StringComparer.Ordinal);
        var events = 0L;
        foreach (var recorded in Chosen(cancellationToken))
        {
            events++;
            names.Add(recorded.Event.Name);
            var known = heads.GetValueOrDefault(recorded.Id);
            heads[recorded.Id] = (known.Events + 1, recorded.Event.Head);
        }

        var streams = _journal.Streams.Where(_chosen.Contains).Concat(heads.Keys).Distinct().Select(id =>
        {
            var (count, last) = heads.GetValueOrDefault(id);
            var declared = _journal.DeclaredHead(id) is { } head && head.Sequence > last.Sequence ? head : last;
            var behind = _journal.BeginsBehind(id);
            return new ExportedStream(
                id.Type, id.Vault.Value, id.Entity, count, declared.Sequence, declared.Hash.ToString(),
                behind.Sequence, behind.Sequence == 0 ? null : behind.Hash.ToString());
        });
        return new ExportHeader(
            ExportFormat.Name, ExportFormat.Version, IsWhole, events, Snapshots().Count(), [.. streams], [.. names]);
    }

    private void Write(
        Stream target, ExportHeader header, Action<ReplayProgress>? progress, CancellationToken cancellationToken)
    {
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var streams = header.Streams.Index().ToDictionary(
            item => new PersistenceId(
                item.Item.Type, new Engine.Identifiers.VaultId(item.Item.Vault), item.Item.Entity),
            item => item.Index);
        var names = header.Names.Index().ToDictionary(item => item.Item, item => item.Index, StringComparer.Ordinal);
        Put(target, digest, Opening(header));
        var records = 0L;
        foreach (var recorded in Chosen(cancellationToken))
        {
            Put(target, digest, Record(
                ExportFormat.EventKind, Body(recorded, streams[recorded.Id], names[recorded.Event.Name])));
            if (++records % ReportEvery == 0)
            {
                progress?.Invoke(new ReplayProgress(records, header.Events, 0));
            }
        }

        foreach (var snapshot in Snapshots())
        {
            Put(target, digest, Record(ExportFormat.SnapshotKind, Body(snapshot, streams[snapshot.Id])));
            records++;
        }

        var end = new byte[ExportFormat.EndLength];
        BinaryPrimitives.WriteInt64LittleEndian(end, records);
        digest.GetHashAndReset().CopyTo(end, 8);
        target.Write(Record(ExportFormat.EndKind, end));
    }

    private IEnumerable<RecordedEvent> Chosen(CancellationToken cancellationToken)
    {
        foreach (var recorded in _journal.ReadAll())
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (IsWhole || _chosen.Contains(recorded.Id))
            {
                yield return recorded;
            }
        }
    }

    private IEnumerable<RecordedSnapshot> Snapshots() =>
        _journal.Snapshots.Where(snapshot => _chosen.Contains(snapshot.Id));

    private static byte[] Opening(ExportHeader header)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(header, ExportJson.Default.ExportHeader);
        var bytes = new byte[ExportFormat.MagicLength + 4 + json.Length + 4];
        ExportFormat.Magic.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), (uint)json.Length);
        json.CopyTo(bytes, 12);
        var crc = ExportFormat.Crc(bytes.AsSpan()[..^4]);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(12 + json.Length), crc);
        return bytes;
    }

    private static byte[] Record(byte kind, ReadOnlySpan<byte> body)
    {
        var record = new byte[body.Length + ExportFormat.RecordOverhead];
        BinaryPrimitives.WriteUInt32LittleEndian(record, (uint)body.Length);
        record[4] = kind;
        body.CopyTo(record.AsSpan(5));
        var crc = ExportFormat.Crc(record.AsSpan()[..^4]);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(5 + body.Length), crc);
        return record;
    }

    private static byte[] Body(RecordedEvent recorded, int stream, int name)
    {
        var body = new byte[ExportFormat.EventFixed + recorded.Record.Length];
        BinaryPrimitives.WriteInt32LittleEndian(body, stream);
        BinaryPrimitives.WriteInt32LittleEndian(body.AsSpan(4), name);
        BinaryPrimitives.WriteInt64LittleEndian(body.AsSpan(8), recorded.Position.Value);
        BinaryPrimitives.WriteInt64LittleEndian(body.AsSpan(16), recorded.Event.Sequence);
        recorded.Record.CopyTo(body, ExportFormat.EventFixed);
        return body;
    }

    private static byte[] Body(RecordedSnapshot snapshot, int stream)
    {
        var body = new byte[ExportFormat.SnapshotFixed + snapshot.Record.Length];
        BinaryPrimitives.WriteInt32LittleEndian(body, stream);
        BinaryPrimitives.WriteInt64LittleEndian(body.AsSpan(4), snapshot.Sequence);
        snapshot.Record.CopyTo(body, ExportFormat.SnapshotFixed);
        return body;
    }

    private static void Put(Stream target, IncrementalHash digest, byte[] bytes)
    {
        digest.AppendData(bytes);
        target.Write(bytes);
    }
}
