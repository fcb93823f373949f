using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>
/// A scan of an exported file from its first to its last byte: the location of every record, and all damage.
/// </summary>
internal sealed class ExportScan
{
    // After one damaged record the next may still begin where it should; after two, nothing confirms it.
    private const int MostBadInARow = 2;

    private readonly List<JournalDamage> _damages = [];
    private readonly Dictionary<long, JournalDamage> _ofEvents = [];
    private readonly FileStream _file;
    private readonly string _path;
    private readonly IncrementalHash _digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly Dictionary<PersistenceId, long> _last = [];
    private long _records;
    private bool _ended;

    private ExportScan(string path, FileStream file)
    {
        (_path, _file) = (path, file);
        Header = ReadHeader();
        Decoder = new ExportDecoder(Header);
    }

    public ExportHeader Header { get; }

    public ExportDecoder Decoder { get; }

    public List<ExportPlace> Events { get; } = [];

    public Dictionary<PersistenceId, List<ExportPlace>> ByStream { get; } = [];

    public List<ExportPlace> Snapshots { get; } = [];

    /// <summary>All damage found.</summary>
    public IReadOnlyList<JournalDamage> Damages => _damages;

    /// <summary>Damage that is not in any identifiable event.</summary>
    public IEnumerable<JournalDamage> OutsideEvents => _damages.Except(_ofEvents.Values);

    /// <summary>Returns the damage of an event's record in the file; null when it has none.</summary>
    public JournalDamage? DamageOf(ExportPlace place) => _ofEvents.GetValueOrDefault(place.Offset);

    /// <summary>Scans the file from start to end.</summary>
    /// <exception cref="ExportDamagedException">The header cannot be read.</exception>
    /// <exception cref="ReplayRefusedException">The file is an export of another version.</exception>
    public static ExportScan Of(string path, FileStream file)
    {
        var scan = new ExportScan(path, file);
        scan.ReadRecords();
        scan._digest.Dispose();
        return scan;
    }

    private ExportHeader ReadHeader()
    {
        var opening = Read(12, "its header");
        if (opening.AsSpan(0, ExportFormat.MagicLength).SequenceEqual(ExportFormat.FormerMagic))
        {
            throw new ReplayRefusedException(
                $"The file {_path} is an export of version 1, and this version of the engine reads version "
                + $"{ExportFormat.Version}; import it with the version that wrote it.");
        }

        if (!opening.AsSpan(0, ExportFormat.MagicLength).SequenceEqual(ExportFormat.Magic))
        {
            throw new ExportDamagedException(_path, "it does not start with RPJEXP02, as every export does");
        }

        var length = BinaryPrimitives.ReadUInt32LittleEndian(opening.AsSpan(8));
        if (length > ExportFormat.MostBytes)
        {
            throw new ExportDamagedException(_path, $"byte 8 says that its header has {length} bytes");
        }

        var json = Read((int)length, "its header");
        var crc = Read(4, "its header");
        if (ExportFormat.Crc([.. opening, .. json]) != BinaryPrimitives.ReadUInt32LittleEndian(crc))
        {
            throw new ExportDamagedException(
                _path, $"the checksum of its header, bytes 0 to {12 + length - 1}, does not match");
        }

        _digest.AppendData(opening);
        _digest.AppendData(json);
        _digest.AppendData(crc);
        try
        {
            var header = JsonSerializer.Deserialize(json, ExportJson.Default.ExportHeader);
            return header is { Format: ExportFormat.Name, Version: ExportFormat.Version } ? header
                : throw new ExportDamagedException(
                    _path, $"its header names the format '{header?.Format}' of version {header?.Version}; "
                        + $"this version of the engine reads version {ExportFormat.Version}");
        }
        catch (JsonException exception)
        {
            throw new ExportDamagedException(_path, $"its header is not valid JSON: {exception.Message}",
                exception);
        }
    }

    private void ReadRecords()
    {
        var badInARow = 0;
        while (!_ended && badInARow < MostBadInARow)
        {
            var at = _file.Position;
            if (ReadRecord(at) is not { } bad)
            {
                return;
            }

            badInARow = bad ? badInARow + 1 : 0;
        }

        if (!_ended)
        {
            _damages.Add(JournalDamage.Of(
                DamageKind.File, $"no record can be recognized from byte {_file.Position} on; the rest is not read"));
        }
        else if (_file.Position != _file.Length)
        {
            _damages.Add(JournalDamage.Of(
                DamageKind.File,
                $"after its end, at byte {_file.Position}, there are {_file.Length - _file.Position} more bytes"));
        }
    }

    /// <summary>Reads one record. Returns true when it is damaged, null when the file ends in it.</summary>
    private bool? ReadRecord(long at)
    {
        var left = _file.Length - at;
        Span<byte> start = stackalloc byte[5];
        var length = left >= ExportFormat.RecordOverhead && _file.ReadAtLeast(start, 5, false) == 5
            ? BinaryPrimitives.ReadUInt32LittleEndian(start) : uint.MaxValue;
        if (length > left - ExportFormat.RecordOverhead || length > ExportFormat.MostBytes)
        {
            _damages.Add(JournalDamage.Of(
                DamageKind.File,
                left < ExportFormat.RecordOverhead
                    ? $"it is cut off at byte {_file.Length}, after record {_records}{Behind()}"
                    : $"record {_records + 1} at byte {at} is cut off or its length is damaged{Behind()}"));
            return null;
        }

        var record = new byte[length + ExportFormat.RecordOverhead];
        start.CopyTo(record);
        _file.ReadExactly(record, 5, record.Length - 5);
        var place = new ExportPlace(at + 5, (int)length);
        var sound = ExportFormat.Crc(record.AsSpan()[..^4])
            == BinaryPrimitives.ReadUInt32LittleEndian(record.AsSpan()[^4..]);
        var known = Take(record[4], record.AsSpan(5, (int)length), place, at, sound);
        if (!_ended)
        {
            _records++;
            _digest.AppendData(record);
        }

        return !sound || !known;
    }

    private bool Take(byte kind, ReadOnlySpan<byte> body, ExportPlace place, long at, bool sound)
    {
        switch (kind)
        {
            case ExportFormat.EventKind when Decoder.Event(body) is { } recorded:
                TakeEvent(recorded, place, at, sound);
                return true;
            case ExportFormat.SnapshotKind when Decoder.Snapshot(body) is { } snapshot:
                Snapshots.Add(place);
                if (!sound)
                {
                    _damages.Add(new JournalDamage(
                        DamageKind.File, snapshot.Id, snapshot.Sequence, null, null,
                        $"the checksum of its snapshot's record at byte {at} does not match"));
                }

                return true;
            case ExportFormat.EndKind when sound && body.Length == ExportFormat.EndLength:
                End(body, at);
                return true;
            default:
                _damages.Add(JournalDamage.Of(
                    DamageKind.File, $"record {_records + 1} at byte {at} is damaged{Behind()}"));
                return false;
        }
    }

    private void TakeEvent(RecordedEvent recorded, ExportPlace place, long at, bool sound)
    {
        Events.Add(place);
        if (!ByStream.TryGetValue(recorded.Id, out var places))
        {
            ByStream.Add(recorded.Id, places = []);
        }

        places.Add(place);
        if (!sound)
        {
            // The record's own number may be damaged; the one that must follow in its stream is more reliable.
            var expected = _last.GetValueOrDefault(recorded.Id) + 1;
            var name = recorded.Event.Sequence == expected ? recorded.Event.Name : null;
            var damage = new JournalDamage(
                DamageKind.File, recorded.Id, expected, name, null,
                $"the checksum of its record at byte {at} does not match");
            _damages.Add(damage);
            _ofEvents.Add(place.Offset, damage);
        }

        _last[recorded.Id] = sound ? recorded.Event.Sequence : _last.GetValueOrDefault(recorded.Id) + 1;
    }

    private void End(ReadOnlySpan<byte> body, long at)
    {
        _ended = true;
        var declared = BinaryPrimitives.ReadInt64LittleEndian(body);
        if (declared != _records)
        {
            _damages.Add(JournalDamage.Of(
                DamageKind.File, $"its end at byte {at} declares {declared} records, but it has {_records}"));
        }
        else if (_damages.Count == 0 && !body[8..].SequenceEqual(_digest.GetHashAndReset()))
        {
            _damages.Add(JournalDamage.Of(
                DamageKind.File, $"the digest at its end, byte {at}, does not match the bytes before it"));
        }
        else if (_damages.Count == 0 && (Events.Count != Header.Events || Snapshots.Count != Header.Snapshots))
        {
            _damages.Add(JournalDamage.Of(
                DamageKind.File,
                $"its header declares {Header.Events} events and {Header.Snapshots} snapshots, but it has "
                    + $"{Events.Count} and {Snapshots.Count}"));
        }
    }

    private string Behind()
    {
        if (Events.Count == 0)
        {
            return "";
        }

        var place = Events[^1];
        var position = _file.Position;
        var body = new byte[place.Length];
        _file.Position = place.Offset;
        _file.ReadExactly(body);
        _file.Position = position;
        return Decoder.Event(body) is { } last ? $", after event {last.Event.Sequence} of {last.Id}" : "";
    }

    private byte[] Read(int length, string what)
    {
        if (_file.Length - _file.Position < length)
        {
            throw new ExportDamagedException(_path, $"it is cut off at byte {_file.Length}, in {what}");
        }

        var bytes = new byte[length];
        _file.ReadExactly(bytes);
        return bytes;
    }
}
