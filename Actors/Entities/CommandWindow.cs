using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Entities;

/// <summary>
/// The most recent replies. A ring that is searched linearly: at 64 ids this is faster than a hash table and takes a
/// quarter of its size, and its order depends only on the commands.
/// </summary>
internal sealed class CommandWindow(int capacity)
{
    private Guid[] _ids = [];
    private (CommandReply Reply, string? Digest)[] _replies = [];
    private int _count;
    private int _next;

    /// <summary>Whether the window covers the whole stream: no command was dropped from it or left unread.</summary>
    public bool CoversStream { get; private set; } = true;

    /// <summary>Returns the accepted commands, oldest first, as stored in a snapshot.</summary>
    public ValueList<CommandRecord> Accepted()
    {
        var records = new List<CommandRecord>(_count);
        for (var i = 0; i < _count; i++)
        {
            var at = _count < _ids.Length ? i : (_next + i) % _ids.Length;
            if (_replies[at].Reply is CommandReply.Accepted accepted)
            {
                records.Add(new CommandRecord(new CommandId(_ids[at]), accepted.Sequence, _replies[at].Digest));
            }
        }

        return records.ToValueList();
    }

    /// <summary>Restores the window from a snapshot.</summary>
    public void Restore(ValueList<CommandRecord> commands, bool coversStream)
    {
        foreach (var record in commands)
        {
            Remember(record.CommandId, new CommandReply.Accepted(record.LastSequence), record.Digest);
        }

        CoversStream &= coversStream;
    }

    /// <summary>
    /// Returns the reply to a command whose id is known: the earlier reply, or a refusal when the id was used for
    /// another request. Null when the id is not known.
    /// </summary>
    /// <param name="id">The command's id.</param>
    /// <param name="digest">The digest that distinguishes the request from any other; see
    /// <see cref="DecisionContext.Digest"/>.</param>
    public CommandReply? AnswerTo(CommandId id, string? digest) => Find(id) is not { } known ? null
        : IsAnother(digest, known.Digest) ? new CommandReply.Refused(new CommandIdReused(id))
        : known.Reply;

    /// <summary>
    /// Returns the reply to a command that the journal knows. An accepted command enters the window again.
    /// </summary>
    public CommandReply Recall(CommandRecord record, string? digest)
    {
        if (IsAnother(digest, record.Digest))
        {
            return new CommandReply.Refused(new CommandIdReused(record.CommandId));
        }

        var reply = new CommandReply.Accepted(record.LastSequence);
        Remember(record.CommandId, reply, record.Digest);
        return reply;
    }

    /// <summary>Returns the reply to a command and its digest; null when the id is not known.</summary>
    public (CommandReply Reply, string? Digest)? Find(CommandId id)
    {
        var index = _ids.AsSpan(0, _count).IndexOf(id.Value);
        return index < 0 ? null : _replies[index];
    }

    /// <summary>Records a reply. A later reply to the same id replaces the earlier one.</summary>
    public void Remember(CommandId id, CommandReply reply, string? digest)
    {
        var known = _ids.AsSpan(0, _count).IndexOf(id.Value);
        if (known >= 0)
        {
            _replies[known] = (reply, digest);
            return;
        }

        if (_count == _ids.Length && _count < capacity)
        {
            var size = Math.Min(capacity, Math.Max(4, _count * 2));
            Array.Resize(ref _ids, size);
            Array.Resize(ref _replies, size);
        }

        if (_count < _ids.Length)
        {
            _next = _count++;
        }
        else
        {
            CoversStream = false;
        }

        _ids[_next] = id.Value;
        _replies[_next] = (reply, digest);
        _next = (_next + 1) % capacity;
    }

    private static bool IsAnother(string? digest, string? known) =>
        digest is not null && !string.Equals(known, digest, StringComparison.Ordinal);
}
