using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Simulation.Kernel;

namespace ReplicationEngine.Simulation.Storage;

/// <summary>
/// The storage of one simulated machine: files with a volatile cache, whose crashes and failures happen on command or
/// by seed. Safe for several threads.
/// </summary>
/// <remarks>
/// <para>A write is in the cache, in sectors of 512 bytes, until its file is synced. Now and then the cache writes a
/// sector to the medium by itself. <see cref="Restart"/> with a power cut keeps any subset of the unsynced sectors, the
/// old or the new length, and a prefix of the unsynced changes of names. Without a power cut it keeps everything,
/// except that <see cref="CrashAtOperation"/> may tear the last write at any byte. After a crash every call of the dead
/// process throws <see cref="SimulatedDeathException"/> until <see cref="Restart"/>. Handles from before the restart
/// stay dead.</para>
/// <para>Space is counted in blocks of 4 KiB that were ever written. <see cref="FreeBytes"/> is the rest.</para>
/// </remarks>
internal sealed class SimulatedStorage
{
    internal const int SectorSize = 512;
    internal const int BlockSize = 4096;
    private readonly Dictionary<string, SimulatedFileData> _durableNames = new(StringComparer.Ordinal);
    private readonly List<Action<Dictionary<string, SimulatedFileData>>> _pendingNames = [];
    private long _crashAt = long.MaxValue;
    private long _lastNumber;

    /// <summary>A number of bytes that no run uses up.</summary>
    public const long Plenty = long.MaxValue / 2;

    /// <summary>Creates the empty storage of a machine, with random numbers from a seed.</summary>
    public SimulatedStorage(int seed)
        : this(new SplittableRandom((ulong)seed))
    {
    }

    /// <summary>Creates the empty storage of a machine, with a random generator.</summary>
    public SimulatedStorage(SplittableRandom random) => Random = random;

    /// <summary>The number of operations so far that changed something.</summary>
    public long Operations { get; private set; }

    /// <summary>The number of bytes that can still be allocated.</summary>
    public long FreeBytes { get; set; } = Plenty;

    /// <summary>
    /// The number of the first operation (see <see cref="Operations"/>) from which on no space is left, not even to
    /// overwrite existing bytes, as on a file system that copies on write. A write that fails for this reason may leave
    /// a part of its bytes behind.
    /// </summary>
    public long FullFromOperation { get; set; } = long.MaxValue;

    /// <summary>
    /// Called before each sync of a file with its path. True lets the sync fail with EIO and lose the unsynced changes.
    /// </summary>
    public Func<string, bool> FailsToSync { get; set; } = _ => false;

    /// <summary>
    /// Called before each write to a file with its path. An errno other than 0 lets the write fail with nothing
    /// written.
    /// </summary>
    public Func<string, int> FailsToWrite { get; set; } = _ => 0;

    /// <summary>
    /// Called before each write to a file with its path and offset. Returns the offset at which the medium really puts
    /// the bytes, to simulate a misdirected write.
    /// </summary>
    public Func<string, long, long>? Misdirects { get; set; }

    /// <summary>
    /// Called before each write to a file with its path and offset, outside the storage's lock, so that the callback
    /// may block the write.
    /// </summary>
    public Action<string, long>? BeforeWrite { get; set; }

    /// <summary>
    /// The clock from which files get their times of creation and change; null when files have no times.
    /// </summary>
    public Func<DateTimeOffset>? Now { get; set; }

    /// <summary>Whether the process that uses the storage is dead.</summary>
    public bool IsDead { get; private set; }

    internal bool IsFull => Operations >= FullFromOperation;

    internal object Gate { get; } = new();

    internal SplittableRandom Random { get; }

    internal int Life { get; private set; }

    internal Dictionary<string, SimulatedFileData> Names { get; private set; } = new(StringComparer.Ordinal);

    /// <summary>The root directory, as the process that lives now sees it.</summary>
    public IStorageDirectory Root => new SimulatedDirectory(this, Life, string.Empty);

    /// <summary>Lets the process die during the operation with this number (see <see cref="Operations"/>).</summary>
    public void CrashAtOperation(long operation) => _crashAt = operation;

    /// <summary>Lets the process die now.</summary>
    public void Kill()
    {
        lock (Gate)
        {
            IsDead = true;
        }
    }

    /// <summary>Restarts the machine (after a power cut) or only the process. Returns the new root directory.</summary>
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

    /// <summary>Flips a bit of a file, both in the cache and on the medium.</summary>
    public void Flip(string path, long offset, int bit)
    {
        lock (Gate)
        {
            Names[path].Flip(offset, bit);
        }
    }

    /// <summary>Returns the length of a file.</summary>
    public long LengthOf(string path)
    {
        lock (Gate)
        {
            return Names[path].Length;
        }
    }

    /// <summary>Returns the paths of all files, in order.</summary>
    public IReadOnlyList<string> Paths()
    {
        lock (Gate)
        {
            return [.. Names.Keys.Order(StringComparer.Ordinal)];
        }
    }

    /// <summary>Returns the content of a file as the process sees it.</summary>
    public byte[] Content(string path)
    {
        lock (Gate)
        {
            return Names[path].Content();
        }
    }

    /// <summary>Creates a file without a name.</summary>
    internal SimulatedFileData NewFile()
    {
        var now = Now?.Invoke() ?? default;
        return new SimulatedFileData { Number = ++_lastNumber, Birth = now, Changed = now };
    }

    /// <summary>
    /// Changes the length of a file durably, on behalf of someone other than the process. The file keeps its number.
    /// </summary>
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

    /// <summary>
    /// Takes a snapshot of all files: as the process sees them, or, with a source of chance, as a crash would leave
    /// them.
    /// </summary>
    internal StorageSnapshot TakeSnapshot(SplittableRandom? crash)
    {
        lock (Gate)
        {
            var names = crash is null ? Names : _durableNames;
            return new StorageSnapshot(names.OrderBy(n => n.Key, StringComparer.Ordinal).ToDictionary(
                n => n.Key, n => n.Value.Copy(crash), StringComparer.Ordinal));
        }
    }

    /// <summary>Replaces present files by the files of a snapshot, durably. The process must be dead.</summary>
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

    /// <summary>Counts an operation. Returns true when the process dies during it.</summary>
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

/// <summary>The exception of a call by a dead simulated process. Exceptions that follow it have no meaning.</summary>
internal sealed class SimulatedDeathException() : Exception("the simulated process is dead");
