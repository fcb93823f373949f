using ReplicationEngine.DataPlane.Changes;

namespace ReplicationEngine.DataPlane.Transport;

/// <summary>The part an end plays. The direction of the data does not depend on who opened the connection.</summary>
internal enum SessionRole : byte
{
    /// <summary>It sends changes.</summary>
    Sender = 1,

    /// <summary>It receives changes.</summary>
    Receiver = 2,
}

/// <summary>What one end brings to a session.</summary>
public sealed record SessionOffer
{
    private readonly IReplicaSink? _sink;

    private SessionOffer(SessionRole role, ReplicaPosition position, IReadOnlyList<long> diskSizes, IReplicaSink? sink)
    {
        Role = role;
        Position = position;
        DiskSizes = diskSizes;
        _sink = sink;
    }

    /// <summary>The part it plays.</summary>
    internal SessionRole Role { get; }

    /// <summary>Where its replica stands; of a sender only the term counts.</summary>
    public ReplicaPosition Position { get; private init; }

    /// <summary>A sender's history; of a receiver nothing.</summary>
    public SourceHistory Source { get; private init; }

    /// <summary>The sizes of its disks in bytes, in the VM's order.</summary>
    public IReadOnlyList<long> DiskSizes { get; }

    /// <summary>The offer of an end that sends a source's changes.</summary>
    public static SessionOffer Send(IChangeSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        return Of(SessionRole.Sender, new ReplicaPosition(source.Term, default, false, false),
            [.. source.Disks.Select(d => d.SizeBytes)], source.History);
    }

    /// <summary>The offer of an end that keeps a replica with disks of these sizes.</summary>
    public static SessionOffer Receive(IReplicaSink sink, IReadOnlyList<long> diskSizes)
    {
        ArgumentNullException.ThrowIfNull(sink);
        return new SessionOffer(SessionRole.Receiver, sink.Position, diskSizes, sink);
    }

    internal static SessionOffer Of(
        SessionRole role, ReplicaPosition position, IReadOnlyList<long> diskSizes, SourceHistory source = default) =>
        new(role, position, diskSizes, null) { Source = source };

    /// <summary>
    /// What this end says once it knows what the other brings: a receiver adds what it changed since the sender's
    /// floor, which the sender needs when their histories part.
    /// </summary>
    internal SessionOffer Answering(SessionOffer peer)
    {
        if (_sink is null || !peer.Source.Floor.Mark.IsKnown)
        {
            return this;
        }

        var history = Position.History with { ChangedSinceFloor = _sink.ChangedSince(peer.Source.Floor) };
        return this with { Position = Position with { History = history } };
    }

    /// <summary>Whether two offers make a session; otherwise the refusal.</summary>
    public static SessionRefusedException? Refusal(SessionOffer one, SessionOffer other)
    {
        if (one.Role == other.Role)
        {
            return new(SessionRefusal.RoleMismatch, $"Both ends are {one.Role}.");
        }

        var (sender, receiver) = one.Role == SessionRole.Sender ? (one, other) : (other, one);
        if (sender.Position.Term.CompareTo(receiver.Position.Term) < 0)
        {
            return new(SessionRefusal.StaleTerm,
                $"The sender has term {sender.Position.Term}, the replica has term "
                    + $"{receiver.Position.Term}: the VM "
                + "was failed over, and this source is no longer its primary.",
                receiver.Position.Term);
        }

        if (sender.DiskSizes.Count != receiver.DiskSizes.Count)
        {
            return new(SessionRefusal.SizeMismatch,
                $"The source has {sender.DiskSizes.Count} disks, the replica {receiver.DiskSizes.Count}; protect "
                    + $"the VM again.");
        }

        for (var disk = 0; disk < sender.DiskSizes.Count; disk++)
        {
            if (sender.DiskSizes[disk] < receiver.DiskSizes[disk])
            {
                return new(SessionRefusal.SizeMismatch,
                    $"Disk {disk} has {sender.DiskSizes[disk]} bytes at the source, its replica "
                        + $"{receiver.DiskSizes[disk]}: a "
                    + "disk cannot shrink; protect the VM again.");
            }
        }

        return null;
    }
}
