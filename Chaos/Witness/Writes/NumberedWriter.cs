using System.Collections.Concurrent;
using System.Net.Sockets;
using ReplicationEngine.Chaos.Witness.Nbd;

namespace ReplicationEngine.Chaos.Witness.Writes;

/// <summary>
/// Writes numbered blocks to disks over NBD, several in flight on each, and keeps its own log of submissions and
/// acknowledgements. Each disk has a thread. A block has at most one write in flight, so the order of the writes of a
/// block is known.
/// </summary>
/// <remarks>
/// A writer outlives the server. When the connection ends, its threads end; <see cref="Start"/> continues over new
/// connections.
/// </remarks>
public sealed class NumberedWriter(int seed, int depth, TimeProvider time, TimeSpan pace)
{
    private readonly ConcurrentQueue<NumberedWrite> _log = new();
    private readonly List<Thread> _threads = [];
    private StopSign _stop = new();
    private long _events;
    private long _numbers;
    private long _acknowledged;
    private int _round;

    /// <summary>
    /// The number before the first one that this writer uses, so that no two writers of a disk write the same bytes.
    /// </summary>
    public long After
    {
        get;
        init => (field, _numbers) = (value, value);
    }

    /// <summary>All writes so far. Stable only while the writer is stopped.</summary>
    public IReadOnlyCollection<NumberedWrite> Writes => _log;

    /// <summary>The number of acknowledged writes so far.</summary>
    public long AcknowledgedCount => Interlocked.Read(ref _acknowledged);

    /// <summary>The last number that was used.</summary>
    public long LastNumber => Interlocked.Read(ref _numbers);

    /// <summary>Whether every disk's thread runs; false once a connection has ended.</summary>
    public bool IsWriting => _threads.Count > 0 && _threads.All(thread => thread.IsAlive);

    /// <summary>The last NBD error in the reply to a write; 0 when there was none.</summary>
    public uint LastError { get; private set; }

    /// <summary>Starts a thread for each disk.</summary>
    /// <param name="uris">The disks' NBD URIs.</param>
    public void Start(IReadOnlyList<string> uris)
    {
        _stop = new StopSign();
        _round++;
        for (var i = 0; i < uris.Count; i++)
        {
            var (disk, uri, stop) = (i, uris[i], _stop);
            var random = new Random((seed * 1000) + (_round * 10) + disk);
            var thread = new Thread(() => Run(disk, uri, random, stop)) { IsBackground = true,
                Name = $"writer {disk}" };
            thread.Start();
            _threads.Add(thread);
        }
    }

    /// <summary>Submits no more writes, reads the outstanding replies, and waits for the threads.</summary>
    public void Stop()
    {
        _stop.Set();
        foreach (var thread in _threads)
        {
            thread.Join();
        }

        _threads.Clear();
    }

    /// <summary>
    /// Decides after a crash, from the source's disks, which of the writes without a reply took place; the others are
    /// void.
    /// </summary>
    /// <param name="images">The current contents of the disks, in the order of their URIs.</param>
    public void Settle(IReadOnlyList<byte[]> images)
    {
        foreach (var write in _log.Where(w => w is { Acknowledged: null, Void: false }))
        {
            var found = images[write.Disk].AsSpan((int)(write.Block * NumberedWrite.Bytes), NumberedWrite.Bytes);
            write.Void = !found.SequenceEqual(NumberedWrite.Content(write.Number));
            if (!write.Void)
            {
                Acknowledge(write);
            }
        }
    }

    private void Acknowledge(NumberedWrite write)
    {
        write.AcknowledgedAt = time.GetUtcNow();
        write.Acknowledged = Interlocked.Increment(ref _events);
        Interlocked.Increment(ref _acknowledged);
    }

    private void Run(int disk, string uri, Random random, StopSign stop)
    {
        try
        {
            using var client = NbdImages.Open(uri);
            Write(client, disk, random, stop);
        }
        catch (Exception e) when (e is IOException or SocketException or InvalidDataException)
        {
            // The server is gone: writes without a reply stay without one.
            return;
        }
    }

    private void Write(NbdClient client, int disk, Random random, StopSign stop)
    {
        var flying = new Dictionary<ulong, NumberedWrite>();
        var blocks = client.Export.Size / NumberedWrite.Bytes;
        while (!stop.IsSet || flying.Count > 0)
        {
            while (!stop.IsSet && flying.Count < depth)
            {
                var block = random.NextInt64(blocks);
                if (flying.Values.Any(w => w.Block == block))
                {
                    continue;
                }

                var number = Interlocked.Increment(ref _numbers);
                var write = new NumberedWrite(number, disk, block, Interlocked.Increment(ref _events));
                _log.Enqueue(write);
                flying.Add(
                    client.Submit(
                        NbdWire.Write, (ulong)block * NumberedWrite.Bytes, NumberedWrite.Bytes, 0,
                            NumberedWrite.Content(number)),
                    write);
            }

            if (flying.Count == 0)
            {
                continue;
            }

            var answer = client.NextAnswer();
            flying.Remove(answer.Cookie, out var done);
            if (answer.Error != 0)
            {
                LastError = answer.Error;
                done!.Void = true;
                return;
            }

            Acknowledge(done!);
            stop.Wait(pace);
        }
    }
    /// <summary>A stop signal that is set once and wakes all waiting threads immediately.</summary>
    private sealed class StopSign
    {
        private readonly object _lock = new();
        private volatile bool _set;

        public bool IsSet => _set;

        public void Set()
        {
            lock (_lock)
            {
                _set = true;
                Monitor.PulseAll(_lock);
            }
        }

        public void Wait(TimeSpan longest)
        {
            lock (_lock)
            {
                if (!_set && longest > TimeSpan.Zero)
                {
                    Monitor.Wait(_lock, longest);
                }
            }
        }
    }
}
