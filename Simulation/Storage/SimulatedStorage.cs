using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Simulation.Kernel;

namespace ReplicationEngine.Simulation.Storage;

/// <summary>
/// The storage of one simulated machine: files with a volatile cache, crashes and failures by command or by seed. Safe
/// for many threads.
/// </summary>
/// <remarks>
/// <para>A write is in the cache, by 512-byte sectors, until its file is synced; now and then the cache writes one back
/// by itself. <see cref="Restart"/> with a power cut keeps any subset of the unsynced sectors, either length, and a
/// prefix of the unsynced changes of names. Without one it keeps everything, but for the last write, which
/// <see cref="CrashAtOperation"/> may tear at any byte. After a crash every call of the dead process throws
/// <see cref="SimulatedDeathException"/>, until <see cref="Restart"/>, after which old handles stay dead.</para>
/// <para>Space is counted in 4 KiB blocks that were ever written; <see cref="FreeBytes"/> is what is left.</para>
/// </remarks>
internal sealed class SimulatedStorage
{
    internal const int SectorSize = 512;
    internal const int BlockSize = 4096;
    private readonly Dictionary<string, SimulatedFileData> _durableNames = new(StringComparer.Ordinal);
    private readonly List<Action<Dictionary<string, SimulatedFileData>>> _pendingNames = [];
    private long _crashAt = long.MaxValue;
    private long _lastNumber;

    /// <summary>More bytes than any run uses.</summary>
    public const long Plenty = long.MaxValue / 2;

    /// <summary>A machine with empty storage.</summary>
    public SimulatedStorage(int seed)
        : this(new SplittableRandom((ulong)seed))
    {
    }

    /// <summary>A machine with empty storage.</summary>
    public SimulatedStorage(SplittableRandom random) => Random = random;

    /// <summary>Operations so far that changed something.</summary>
    public long Operations { get; private set; }

    /// <summary>Bytes that can still be allocated.</summary>
    public long FreeBytes { get; set; } = Plenty;

    /// <summary>
    /// From the operation of this number on (see <see cref="Operations"/>) there is no space for anything, not even for
    /// what is written over old bytes, as on a file system that copies on write; such a write may leave a part behind.
    /// </summary>
    public long FullFromOperation { get; set; } = long.MaxValue;

    /// <summary>
    /// Asked before each sync of a file, by its path; true makes it fail with EIO and lose what was unsynced.
    /// </summary>
    public Func<string, bool> FailsToSync { get; set; } = _ => false;

    /// <summary>
    /// Asked before each write to a file, by its path; an errno other than 0 makes it fail with nothing written.
    /// </summary>
    public Func<string, int> FailsToWrite { get; set; } = _ => 0;

    /// <summary>
    /// Asked before each write to a file, by its path and offset: where the medium really puts it. Misdirected writes.
    /// </summary>
    public Func<string, long, long>? Misdirects { get; set; }

    /// <summary>
    /// Called before each write to a file with its path and offset, outside the storage's lock: a place to block it.
    /// </summary>
    public Action<string, long>? BeforeWrite { get; set; }

    /// <summary>The clock by which files are made and changed; null: they have no times.</summary>
    public Func<DateTimeOffset>? Now { get; set; }

    /// <summary>The process is dead.</summary>
    public bool IsDead { get; private set; }

    internal bool IsFull => Operations >= FullFromOperation;

    internal object Gate { get; } = new();

    internal SplittableRandom Random { get; }

    internal int Life { get; private set; }

    internal Dictionary<string, SimulatedFileData> Names { get; private set; } = new(StringComparer.Ordinal);

    /// <summary>The root directory, for the process that lives now.</summary>
    public IStorageDirectory Root => new SimulatedDirectory(this, Life, string.Empty);

    /// <summary>Lets the process die within the operation of this number (see <see cref="Operations"/>).</summary>
    public void CrashAtOperation(long operation) => _crashAt = operation;

    /// <summary>The process dies now.</summary>
    public void Kill()
    {
        lock (Gate)
        {
            IsDead = true;
        }
    }

    /// <summary>Starts the machine or the process again; returns the new root.</summary>
    public IStorageDirectory Restart(bool powerCut)
    {
        lock (Gate)
        {
            if (powerCut)
            {
                CutPower();
            }

            IsDead = false;
            Life++;
            _crashAt = long.MaxValue;
            FailsToSync = _ => false;
            FailsToWrite = _ => 0;
            Misdirects = null;
            return Root;
        }
    }

    /// <summary>Flips a bit of a file, durable or not.</summary>
    public void Flip(string path, long offset, int bit)
    {
        lock (Gate)
        {
            Names[path].Flip(offset, bit);
        }
    }

    /// <summary>The length of a file.</summary>
    public long LengthOf(string path)
    {
        lock (Gate)
        {
            return Names[path].Length;
        }
    }

    /// <summary>All files' paths, in order.</summary>
    public IReadOnlyList<string> Paths()
    {
        lock (Gate)
        {
            return [.. Names.Keys.Order(StringComparer.Ordinal)];
        }
    }

    /// <summary>What a file holds as the process sees it.</summary>
    public byte[] Content(string path)
    {
        lock (Gate)
        {
            return Names[path].Content();
        }
    }

    /// <summary>Makes a file without a name.</summary>
    internal SimulatedFileData NewFile()
    {
        var now = Now?.Invoke() ?? default;
        return new SimulatedFileData { Number = ++_lastNumber, Birth = now, Changed = now };
    }

    /// <summary>Somebody next to the process gives a file another length, durably; its number stays.</summary>
    internal void Resize(string path, long length)
    {
        lock (Gate)
        {
            var file = Names[path];
            file.SetLength(length);
            file.Changed = Now?.Invoke() ?? file.Changed;
            file.Sync();
        }
    }

    /// <summary>Takes a snapshot: as the process sees its files, or (with a source of chance) as a crash would leave
    /// them.</summary>
    internal StorageSnapshot TakeSnapshot(SplittableRandom? crash)
    {
        lock (Gate)
        {
            var names = crash is null ? Names : _durableNames;
            return new StorageSnapshot(names.OrderBy(n => n.Key, StringComparer.Ordinal).ToDictionary(
                n => n.Key, n => n.Value.Copy(crash), StringComparer.Ordinal));
        }
    }

    /// <summary>Puts files of a snapshot in the place of those that there are, durably. The process is dead.</summary>
    internal void PutBack(StorageSnapshot snapshot, Func<string, bool> which, RestoreManner manner)
    {
        lock (Gate)
        {
            var before = Names;
            Names = before.Where(n => !which(n.Key)).ToDictionary(StringComparer.Ordinal);
            foreach (var (path, file) in snapshot.Files.Where(f => which(f.Key)))
            {
                var copy = file.Copy(null);
                if (manner != RestoreManner.Machine)
                {
                    var made = NewFile();
                    var old = manner == RestoreManner.InPlace ? before.GetValueOrDefault(path) : null;
                    (copy.Number, copy.Birth, copy.Changed) =
                        (old?.Number ?? made.Number, old?.Birth ?? made.Birth, made.Changed);
                    copy.Sync();
                }

                Names[path] = copy;
            }

            _pendingNames.Clear();
            _durableNames.Clear();
            foreach (var (path, file) in Names)
            {
                _durableNames[path] = file;
            }
        }
    }

    /// <summary>Counts an operation; true when the process dies within it.</summary>
    internal bool Count(int life)
    {
        CheckAlive(life);
        if (++Operations != _crashAt)
        {
            return false;
        }

        IsDead = true;
        return true;
    }

    internal void CheckAlive(int life)
    {
        if (IsDead || life != Life)
        {
            throw new SimulatedDeathException();
        }
    }

    internal void ChangeNames(int life, Action<Dictionary<string, SimulatedFileData>> change)
    {
        if (Count(life))
        {
            throw new SimulatedDeathException();
        }

        change(Names);
        _pendingNames.Add(change);
    }

    internal void SyncNames(int life)
    {
        if (Count(life))
        {
            throw new SimulatedDeathException();
        }

        _pendingNames.ForEach(c => c(_durableNames));
        _pendingNames.Clear();
    }

    internal bool Take(SimulatedFileData file, long offset, long length)
    {
        if (IsFull)
        {
            return false;
        }

        for (var block = offset / BlockSize; block * BlockSize < offset + length; block++)
        {
            if (file.IsReserved(block))
            {
                continue;
            }

            if (FreeBytes < BlockSize)
            {
                return false;
            }

            FreeBytes -= BlockSize;
            file.Reserve(block);
        }

        return true;
    }

    private void CutPower()
    {
        var kept = Random.Next(_pendingNames.Count + 1);
        _pendingNames.Take(kept).ToList().ForEach(c => c(_durableNames));
        _pendingNames.Clear();
        Names = new Dictionary<string, SimulatedFileData>(_durableNames, StringComparer.Ordinal);
        foreach (var (_, file) in Names.OrderBy(n => n.Key, StringComparer.Ordinal))
        {
            file.CutPower(Random);
        }
    }
}

/// <summary>The simulated process died; nothing that is thrown after it means anything.</summary>
internal sealed class SimulatedDeathException() : Exception("the simulated process is dead");
