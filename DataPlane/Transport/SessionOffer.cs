using ReplicationEngine.DataPlane.Changes;

namespace ReplicationEngine.DataPlane.Transport;

/// <summary>The role of an end. The direction of the data does not depend on which end opened the connection.</summary>
internal enum SessionRole : byte
{
    /// <summary>The end sends changes.</summary>
    Sender = 1,

    /// <summary>The end receives changes.</summary>
    Receiver = 2,
}

/// <summary>The offer of one end to a session.</summary>
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

    /// <summary>The role of the end.</summary>
    internal SessionRole Role { get; }

    /// <summary>The position of the end's replica; for a sender only the term is used.</summary>
    public ReplicaPosition Position { get; private init; }

    /// <summary>A sender's history; empty for a receiver.</summary>
    public SourceHistory Source { get; private init; }

    /// <summary>The sizes of the end's disks in bytes, in the VM's order.</summary>
    public IReadOnlyList<long> DiskSizes { get; }

    /// <summary>Creates the offer of an end that sends a source's changes.</summary>
    public static SessionOffer Send(IChangeSource source)
    {
        ArgumentNullException.ThrowIfNull(source);
        return Of(SessionRole.Sender, new ReplicaPosition(source.Term, default, false, false),
            [.. source.Disks.Select(d => d.SizeBytes)], source.History);
    }

    /// <summary>Creates the offer of an end that holds a replica with disks of these sizes.</summary>
    public static SessionOffer Receive(IReplicaSink sink, IReadOnlyList<long> diskSizes)
    {
        ArgumentNullException.ThrowIfNull(sink);
        return new SessionOffer(SessionRole.Receiver, sink.Position, diskSizes, sink);
    }

    internal static SessionOffer Of(
        SessionRole role, ReplicaPosition position, IReadOnlyList<long> diskSizes, SourceHistory source = default) =>
        new(role, position, diskSizes, null) { Source = source };

    /// <summary>
    /// Returns this end's offer after the peer's is known: a receiver adds its changes since the sender's floor, which
    /// the sender needs if their histories diverge.
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

    /// <summary>Returns the refusal if two offers do not match; otherwise null.</summary>
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
