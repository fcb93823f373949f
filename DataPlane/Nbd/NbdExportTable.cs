namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>The exports by name, and the connections that use each. Safe for several threads.</summary>
/// <remarks>
/// A removed export can no longer be found, and a handshake that found it just before can no longer attach. So the
/// number of its users only falls, and after the last has detached nothing uses its device again.
/// </remarks>
internal sealed class NbdExportTable(NbdServerOptions options)
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private readonly List<Entry> _leaving = [];
    private readonly Dictionary<string, (TaskCompletionSource Served, long Since)> _expected =
        new(StringComparer.Ordinal);
    private bool _ending;

    /// <summary>Returns the exports in ordinal order of their names.</summary>
    public IReadOnlyList<NbdExport> List()
    {
        lock (_lock)
        {
            return [.. _entries.Values.Select(e => e.Export)];
        }
    }

    /// <summary>Returns the export of this name, or null.</summary>
    public NbdExport? Find(string name)
    {
        lock (_lock)
        {
            return _entries.TryGetValue(name, out var entry) ? entry.Export : null;
        }
    }

    /// <summary>Returns the exports that a client may list.</summary>
    /// <exception cref="OperationCanceledException">The server is ending, so the list may be incomplete.</exception>
    public IReadOnlyList<NbdExport> Offered()
    {
        lock (_lock)
        {
            ThrowIfEnding();
            return List();
        }
    }

    /// <summary>
    /// Returns the export of this name, or null. Blocks for a while if the name is expected, so that a client that
    /// reconnects during a restart is not refused while its disk is not served yet.
    /// </summary>
    /// <exception cref="OperationCanceledException">
    /// The server is ending, so it cannot reply about a name that it no longer serves.
    /// </exception>
    public NbdExport? FindOrAwait(string name)
    {
        Task served;
        lock (_lock)
        {
            if (_entries.ContainsKey(name) || !_expected.TryGetValue(name, out var awaited)
                || options.Time.GetElapsedTime(awaited.Since) > options.ExpectedFor)
            {
                return FindUnlessEnding(name);
            }

            served = awaited.Served.Task;
        }

        _ = served.Wait(options.ExpectedPatience);
        return FindUnlessEnding(name);
    }

    /// <summary>Announces that an export of this name will be offered soon.</summary>
    public void Expect(string name)
    {
        lock (_lock)
        {
            _expected.TryAdd(name, (
                new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously),
                options.Time.GetTimestamp()));
        }
    }

    /// <summary>
    /// Stops replying about missing exports, because an export may only have been withdrawn: the client's connection
    /// ends without a reply. Waits for expected exports end.
    /// </summary>
    public void End()
    {
        lock (_lock)
        {
            _ending = true;
            foreach (var awaited in _expected.Values)
            {
                awaited.Served.TrySetResult();
            }

            _expected.Clear();
        }
    }

    /// <summary>Returns the clients of the export of this name.</summary>
    public IReadOnlyList<NbdPeer> ClientsOf(string name)
    {
        lock (_lock)
        {
            return _entries.TryGetValue(name, out var entry)
                ? [.. entry.Users.Select(user => user.Client).OfType<NbdPeer>()] : [];
        }
    }

    /// <summary>Adds an export; false when the name is taken.</summary>
    public bool TryAdd(NbdExport export)
    {
        lock (_lock)
        {
            Come(export.Name);
            return _entries.TryAdd(export.Name, new Entry(export));
        }
    }

    /// <summary>Replaces the export of the same name. Returns the replaced one, or null if there was none.</summary>
    public Entry? Replace(NbdExport export)
    {
        lock (_lock)
        {
            var former = TakeOut(export.Name);
            Come(export.Name);
            _entries.Add(export.Name, new Entry(export));
            return former;
        }
    }

    /// <summary>Removes an export. Returns it, or null if there was none.</summary>
    public Entry? Remove(string name)
    {
        lock (_lock)
        {
            return TakeOut(name);
        }
    }

    /// <summary>Adds a user; false if the export has been removed.</summary>
    public bool TryAttach(NbdExport export, NbdConnection user)
    {
        lock (_lock)
        {
            return _entries.TryGetValue(export.Name, out var entry) && ReferenceEquals(entry.Export, export)
                && entry.Users.Add(user);
        }
    }

    /// <summary>Removes a user that no longer uses the export.</summary>
    public void Detach(NbdExport export, NbdConnection user)
    {
        lock (_lock)
        {
            if (_entries.TryGetValue(export.Name, out var entry) && ReferenceEquals(entry.Export, export))
            {
                entry.Users.Remove(user);
                return;
            }

            foreach (var leaving in _leaving.Where(e => e.Users.Remove(user)))
            {
                CompleteWhenUnused(leaving);
            }

            _leaving.RemoveAll(e => e.Unused.Task.IsCompleted);
        }
    }

    /// <summary>Returns the users of a removed export.</summary>
    public IReadOnlyList<NbdConnection> UsersOf(Entry entry)
    {
        lock (_lock)
        {
            return [.. entry.Users];
        }
    }

    private NbdExport? FindUnlessEnding(string name)
    {
        lock (_lock)
        {
            if (Find(name) is { } export)
            {
                return export;
            }

            ThrowIfEnding();
            return null;
        }
    }

    private void ThrowIfEnding()
    {
        if (_ending)
        {
            throw new OperationCanceledException("The server is shutting down; connect to the next one.");
        }
    }

    private void Come(string name)
    {
        if (_expected.Remove(name, out var awaited))
        {
            awaited.Served.TrySetResult();
        }
    }

    private Entry? TakeOut(string name)
    {
        if (!_entries.Remove(name, out var entry))
        {
            return null;
        }

        _leaving.Add(entry);
        CompleteWhenUnused(entry);
        _leaving.RemoveAll(e => e.Unused.Task.IsCompleted);
        return entry;
    }

    private static void CompleteWhenUnused(Entry entry)
    {
        if (entry.Users.Count == 0)
        {
            entry.Unused.TrySetResult();
        }
    }

    /// <summary>
    /// An export with its users; <see cref="Unused"/> completes when the export has been removed and the last user has
    /// left.
    /// </summary>
    internal sealed record Entry(NbdExport Export)
    {
        public HashSet<NbdConnection> Users { get; } = [];

        public TaskCompletionSource Unused { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
