// Two services on one journal would not damage it (unique keys prevent that), but each would refuse the other's
// commands, run effects twice, and show only half of the state. The first service therefore holds an advisory lock of
// the database in a session of its own. The session ends with the process, or at the latest a minute after its machine
// fails (keepalive). When the database has ended the session, the lock is taken again. If another service holds it by
// then, this one accepts no more commands and reports why.
using System.Data.Common;
using System.Diagnostics;
using Npgsql;
using ReplicationEngine.Actors.Journaling;

namespace ReplicationEngine.Persistence.Sql;

/// <summary>Reserves the journal in a database for this process.</summary>
internal sealed class PostgresLock : IDisposable
{
    /// <summary>The name of the lock's session in <c>pg_stat_activity</c>.</summary>
    public const string ApplicationName = "replication-engine lock";

    private const string Take = "SELECT pg_try_advisory_lock(1380993587)";
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
    private string? _taken;

    private PostgresLock(string connection, string name, TimeProvider time)
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

    /// <summary>Takes the lock and monitors it from then on.</summary>
    /// <exception cref="JournalInUseException">Another process holds the lock.</exception>
    /// <exception cref="DbException">The database does not respond.</exception>
    public static PostgresLock Acquire(string connection, string name, TimeProvider time)
    {
        var held = new PostgresLock(connection, name, time);
        try
        {
            held.TakeAsync().GetAwaiter().GetResult();
            held._watching = held.WatchAsync(held._ending.Token);
            return held;
        }
        catch
        {
            held.Dispose();
            throw;
        }
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

    private string InUse() =>
        $"The journal {_name} is open in another process; stop it, or choose another database. (A machine that "
        + "failed while running a service keeps the journal locked for up to a minute.)";

    private async Task WatchAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(s_look, _time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            try
            {
                var held = _session is not null ? await IsAliveAsync(_session, cancellationToken)
                    : await TryTakeAsync(cancellationToken);
                Volatile.Write(ref _taken, held ? null : InUse());
            }
            catch (Exception exception) when (exception is DbException or InvalidOperationException)
            {
                // The database is unavailable, and with it the journal, which reports so itself. The lock is free now.
                await DropAsync();
            }
        }
    }

    private async Task<bool> TryTakeAsync(CancellationToken cancellationToken)
    {
        var session = new NpgsqlConnection(_connectionString);
        try
        {
            await session.OpenAsync(cancellationToken);
            await using var command = new NpgsqlCommand(Take, session);
            if (await command.ExecuteScalarAsync(cancellationToken) is true)
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

    private static async Task<bool> IsAliveAsync(NpgsqlConnection session, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("SELECT 1", session);
        await command.ExecuteScalarAsync(cancellationToken);
        return true;
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
