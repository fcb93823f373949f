using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Actors.Entities;

/// <summary>
/// The answers given last. A ring that is searched linearly: at 64 ids that is faster than a hash table and a quarter
/// of its size, and its order depends on nothing but the commands.
/// </summary>
internal sealed class RecentCommands(int capacity)
{
    private Guid[] _ids = [];
    private (CommandReply Reply, string? Digest)[] _replies = [];
    private int _count;
    private int _next;

    /// <summary>Whether no event's command was ever forgotten or left unread.</summary>
    public bool CoversStream { get; private set; } = true;

    /// <summary>
    /// Forgets everything; <paramref name="coversStream"/> says whether reading begins at the first event.
    /// </summary>
    public void Clear(bool coversStream)
    {
        _ids = [];
        _replies = [];
        _count = 0;
        _next = 0;
        CoversStream = coversStream;
    }

    public (CommandReply Reply, string? Digest)? Find(CommandId id)
    {
        var index = _ids.AsSpan(0, _count).IndexOf(id.Value);
        return index < 0 ? null : _replies[index];
    }

    /// <summary>
    /// Remembers an answer; the later answer to the same id replaces the earlier (several events, one command).
    /// </summary>
    public void Remember(CommandId id, CommandReply reply, string? digest)
    {
        var last = _next == 0 ? _count - 1 : _next - 1;
        if (last >= 0 && _ids[last] == id.Value)
        {
            _replies[last] = (reply, digest);
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
}
