// Two services on one journal would not damage it (unique keys prevent that), but each would refuse the other's
// commands, run effects twice, and show only half of the state. A service therefore holds an advisory lock of the
// database in a session of its own: a lone service exclusively, the nodes of a cluster together. The session ends with
// the process, or at the latest a minute after its machine fails (keepalive). When the database has ended the session,
// the lock is taken again. If another service holds it by then, this one accepts no more commands and reports why.
//
// A node that founds a cluster takes the lock exclusively, which only succeeds while nobody has it, and then keeps it
// shared. The database decides which of several nodes that start together is the first.
using System.Data.Common;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Npgsql;
using ReplicationEngine.Actors.Journaling;

namespace ReplicationEngine.Persistence.Sql;

/// <summary>
/// Reserves the journal in a database for this process, alone or with the other nodes of its cluster.
/// </summary>
internal sealed class PostgresLock : IDisposable
{
    /// <summary>The name of the lock's session in <c>pg_stat_activity</c>.</summary>
    public const string ApplicationName = "replication-engine lock";

    private const string Alone = "SELECT pg_try_advisory_lock(1380993587)";
    private const string Together = "SELECT pg_try_advisory_lock_shared(1380993587)";

    // Shared before it is no longer exclusive: there is no moment at which another process could take it.
    private const string ThenTogether =
        "SELECT CASE WHEN pg_try_advisory_lock_shared(1380993587) THEN pg_advisory_unlock(1380993587) END";

    private const string Keepalive =
        "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=4 -c tcp_user_timeout=30000";

    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private readonly string _connectionString;
    private readonly string _name;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _ending = new();
    private NpgsqlConnection? _session;
    private Task _watching = Task.CompletedTask;
    private string _take = Alone;
    private string? _taken;

    /// <summary>Creates a lock that is not taken.</summary>
    /// <param name="connection">The connection string of the database.</param>
    /// <param name="name">The name of the database in messages.</param>
    /// <param name="time">The clock for the periodic check that the lock is still held.</param>
    public PostgresLock(string connection, string name, TimeProvider time)
    {
        var builder = new NpgsqlConnectionStringBuilder(connection)
        {
            Pooling = false, ApplicationName = ApplicationName,
        };
        builder.Options = $"{builder.Options} {Keepalive}".Trim();
        _connectionString = builder.ToString();
        (_name, _time) = (name, time);
    }

    /// <summary>Why no command may be accepted; null while the lock is held or may still be held.</summary>
    public string? Taken => Volatile.Read(ref _taken);

    /// <summary>Takes the lock for this process alone and monitors it from then on.</summary>
    /// <exception cref="JournalInUseException">Another process holds the lock.</exception>
    /// <exception cref="DbException">The database does not respond.</exception>
    public void Acquire()
    {
        TakeAsync().GetAwaiter().GetResult();
        _watching = WatchAsync(_ending.Token);
    }

    /// <summary>
    /// Takes the lock while nobody else holds it, then keeps it together with others and monitors it. Returns false
    /// when another process holds it.
    /// </summary>
    /// <exception cref="DbException">The database does not respond.</exception>
    public async Task<bool> TryFoundAsync(CancellationToken cancellationToken)
    {
        if (!await TryTakeAsync(cancellationToken))
        {
            return false;
        }

        try
        {
            await AnswerAsync(_session!, ThenTogether, cancellationToken);
        }
        catch
        {
            // The session may still hold the lock, and would keep this process itself from taking it again.
            await DropAsync();
            throw;
        }

        Share();
        return true;
    }

    /// <summary>Takes the lock together with others as soon as possible, and monitors it.</summary>
    public void Share()
    {
        _take = Together;
        _watching = WatchAsync(_ending.Token);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _ending.Cancel();
        _watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing).GetAwaiter().GetResult();
        _session?.Dispose();
        _ending.Dispose();
    }

    private async Task TakeAsync()
    {
        // The session of a process that was just killed exists for another moment.
        var began = Stopwatch.GetTimestamp();
        while (!await TryTakeAsync(CancellationToken.None))
        {
            if (Stopwatch.GetElapsedTime(began) > s_patience)
            {
                throw new JournalInUseException(InUse());
            }

            await Task.Delay(s_pause, TimeProvider.System);
        }
    }

    private string InUse() => _take == Alone
        ? $"The journal {_name} is open in another process; stop it, or choose another database. (A machine that "
            + "failed while running a service keeps the journal locked for up to a minute.)"
        : $"The journal {_name} is open in a service that is not a node of this cluster; stop it.";

    private async Task WatchAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(s_look, _time);
        do
        {
            try
            {
                var held = _session is not null
                    ? await AnswerAsync(_session, "SELECT true", cancellationToken)
                    : await TryTakeAsync(cancellationToken);
                Volatile.Write(ref _taken, held ? null : InUse());
            }
            catch (Exception exception) when (exception is DbException or InvalidOperationException)
            {
                // The database is unavailable, and with it the journal, which reports so itself. The lock is free now.
                await DropAsync();
            }
        }
        while (await timer.WaitForNextTickAsync(cancellationToken));
    }

    private async Task<bool> TryTakeAsync(CancellationToken cancellationToken)
    {
        var session = new NpgsqlConnection(_connectionString);
        try
        {
            await session.OpenAsync(cancellationToken);
            if (await AnswerAsync(session, _take, cancellationToken))
            {
                _session = session;
                return true;
            }
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }

        await session.DisposeAsync();
        return false;
    }

    [SuppressMessage("Security", "CA2100:Review SQL queries", Justification = "Only texts of this class.")]
    private static async Task<bool> AnswerAsync(
        NpgsqlConnection session, string question, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(question, session);
        return await command.ExecuteScalarAsync(cancellationToken) is true;
    }

    private async Task DropAsync()
    {
        if (_session is { } session)
        {
            _session = null;
            await session.DisposeAsync();
        }
    }
}
