// The one writer of a SQLite journal: a thread of its own that takes everything that waits, up to a limit, writes it in
// one transaction and answers after the commit (group commit). While it syncs, the next batch gathers.
//
// Nothing in memory changes before the commit, so a rollback leaves memory and file equal. Two appends to one stream
// never share a transaction: the second is judged after the first is durable.
// The first failed commit that is not for lack of room poisons the writer (I28): what the file holds is no longer
// certain, so nothing is acknowledged any more until the process starts again and reads it anew.
using System.Collections.Concurrent;
using System.Diagnostics;
using ReplicationEngine.Actors.Journaling;

namespace ReplicationEngine.Persistence.Sqlite;

/// <summary>Carries out write operations in shared transactions.</summary>
internal sealed class SqliteWriter : IDisposable
{
    private const int MaxBatch = 1_024;

    /// <summary>How long to look out for work before sleeping: waking a thread costs about as much as this.</summary>
    private static readonly TimeSpan s_lookout = TimeSpan.FromMicroseconds(40);

    private readonly SqliteDatabase _database;
    private readonly Action _beforeBatch;
    private readonly Action _afterBatch;
    private readonly SqliteStatement _begin;
    private readonly SqliteStatement _commit;
    private readonly ConcurrentQueue<WriteOperation> _queue = new();
    private readonly ManualResetEventSlim _work = new(false, spinCount: 0);
    private readonly List<WriteOperation> _batch = new(MaxBatch);
    private readonly List<WriteOperation> _postponed = [];
    private readonly Thread _thread;
    private Exception? _poison;
    private volatile bool _stopping;

    /// <param name="database">The writing connection; used by the writer's thread only from now on.</param>
    /// <param name="beforeBatch">Runs on that thread before a batch is applied.</param>
    /// <param name="afterBatch">Runs on that thread after a batch is answered, outside any transaction.</param>
    public SqliteWriter(SqliteDatabase database, Action beforeBatch, Action afterBatch)
    {
        _database = database;
        _beforeBatch = beforeBatch;
        _afterBatch = afterBatch;
        _begin = database.Prepare("BEGIN IMMEDIATE");
        _commit = database.Prepare("COMMIT");
        _thread = new Thread(Run) { IsBackground = true, Name = "journal writer" };
        _thread.Start();
    }

    /// <summary>Hands an operation to the writer.</summary>
    public void Enqueue(WriteOperation operation)
    {
        _queue.Enqueue(operation);
        if (_stopping && !_thread.IsAlive)
        {
            FailRest();
        }
        else if (!_work.IsSet)
        {
            _work.Set();
        }
    }

    /// <summary>Finishes what waits and ends the thread.</summary>
    public void Dispose()
    {
        _stopping = true;
        _work.Set();
        _thread.Join();
        FailRest();
    }

    private void FailRest()
    {
        while (_queue.TryDequeue(out var operation))
        {
            operation.Fail(new JournalUnavailableException($"The journal {_database.Path} is closed."));
        }
    }

    private void Run()
    {
        while (true)
        {
            Gather();
            if (_batch.Count > 0)
            {
                Write();
            }
            else if (_stopping)
            {
                return;
            }
            else
            {
                Await();
            }
        }
    }

    private void Gather()
    {
        _batch.Clear();
        _batch.AddRange(_postponed);
        _postponed.Clear();
        while (_batch.Count < MaxBatch && _queue.TryDequeue(out var operation))
        {
            _batch.Add(operation);
        }
    }

    private void Await()
    {
        var start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < s_lookout)
        {
            if (!_queue.IsEmpty)
            {
                return;
            }

            Thread.SpinWait(10);
        }

        _work.Reset();
        if (_queue.IsEmpty && !_stopping)
        {
            _work.Wait();
        }
    }

    private void Write()
    {
        if (_poison is not null)
        {
            _batch.ForEach(operation => operation.Fail(_poison));
            return;
        }

        try
        {
            _begin.Run();
            _beforeBatch();
            ApplyBatch();
            _commit.Run();
        }
        catch (SqliteFault fault) when (fault.IsFull)
        {
            Rollback();
            _postponed.Clear();
            _batch.ForEach(operation => operation.RefuseForRoom(
                $"The disk of the journal {_database.Path} is full; nothing was stored. Make room and try again."));
            return;
        }
        catch (Exception exception)
        {
            Rollback();
            _poison = exception is SqliteFault fault ? fault.Translate() : exception;
            _postponed.Clear();
            _batch.ForEach(operation => operation.Fail(_poison));
            return;
        }

        foreach (var operation in _batch)
        {
            operation.Commit();
        }

        AfterBatch();
    }

    private void ApplyBatch()
    {
        var kept = 0;
        for (var i = 0; i < _batch.Count; i++)
        {
            var operation = _batch[i];
            if (operation.Apply())
            {
                _batch[kept++] = operation;
            }
            else
            {
                _postponed.Add(operation);
            }
        }

        _batch.RemoveRange(kept, _batch.Count - kept);
    }

    private void AfterBatch()
    {
        try
        {
            _afterBatch();
        }
        catch (SqliteFault fault)
        {
            Rollback();
            _poison = fault.IsFull ? null : fault.Translate();
        }
    }

    private void Rollback()
    {
        if (!_database.InTransaction)
        {
            return;
        }

        try
        {
            _database.Execute("ROLLBACK");
        }
        catch (SqliteFault fault)
        {
            _poison = fault.Translate();
        }
    }
}
