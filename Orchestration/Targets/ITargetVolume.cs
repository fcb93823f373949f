using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Orchestration.Sources;

namespace ReplicationEngine.Orchestration.Targets;

/// <summary>
/// The target side of one VM as effects and facts use it: the replica with its recovery points, and the machines that
/// are recovered from them. Each operation describes a state to reach and does nothing if that state already holds.
/// Operations come one at a time; observations may be made next to them.
/// </summary>
public interface ITargetVolume
{
    /// <summary>Whether a source is connected and sending.</summary>
    bool Receiving { get; }

    /// <summary>Whether there is a failed-over machine.</summary>
    bool HasLive { get; }

    /// <summary>Returns what is observed of the target side now.</summary>
    TargetObservation Observe();

    /// <summary>Notes how far the source was, for an honest statement of what a failover loses (I21).</summary>
    /// <param name="observation">What it reported.</param>
    /// <param name="before">
    /// A moment of the service before which nothing of the report was observed; null when none is known, and then the
    /// report says nothing of any moment.
    /// </param>
    void NoteReport(SourceObservation observation, ServiceMoment? before);

    /// <summary>Returns why the host has no descriptors left for this replica, when it is not open yet; null when it
    /// has.</summary>
    string? NoRoomFor(int disks);

    /// <summary>Forgets the fault: transfers are tried again, and it comes back if they fail again.</summary>
    void ForgetFault();

    /// <summary>Creates the replica, or opens the one that is there.</summary>
    /// <exception cref="ReplicaCorruptException">What is there is damaged.</exception>
    Task PrepareAsync(IReadOnlyList<DiskSpec> disks, Term term, CancellationToken cancellationToken);

    /// <summary>Refuses senders of a smaller term from now on.</summary>
    void Fence(Term term);

    /// <summary>
    /// Waits until the replica durably holds everything up to a position and is not resyncing. With
    /// <paramref name="giveUpWhenIdle"/>, gives up when nothing has come for a while, and returns false.
    /// </summary>
    Task<bool> WaitForAsync(ChangePosition position, bool giveUpWhenIdle, CancellationToken ct);

    /// <summary>Whether the point exists.</summary>
    bool HasPoint(RecoveryPointId point);

    /// <summary>
    /// Notes that the source is asked for a point now: it holds every write that was answered before. Not so when an
    /// earlier life of the service has asked for it too, because the point may be the one that was marked then (I21).
    /// </summary>
    void NoteAsked(RecoveryPointId point);

    /// <summary>Seals everything received as a point.</summary>
    void SealNow(RecoveryPointId point);

    /// <summary>Drops points; those that are not there are dropped already.</summary>
    void Prune(IReadOnlyList<RecoveryPointId> points);

    /// <summary>Makes the point the replica's newest content and drops the others (FOV-4).</summary>
    void Settle(RecoveryPointId point);

    /// <summary>Serves a writable copy of a point; nothing else changes (FOV-1, I23).</summary>
    Task<RecoveredMachine> StartTestAsync(RecoveryPointId point, CancellationToken ct);

    /// <summary>Removes the test machine and all it wrote.</summary>
    Task RemoveTestAsync();

    /// <summary>
    /// Takes the term, so that no sender of a smaller one is heard any more, and serves writable disks of the point.
    /// Needs nothing of the source (FOV-9).
    /// </summary>
    Task<RecoveredMachine> FailOverAsync(RecoveryPointId point, Term term, CancellationToken ct);

    /// <summary>Serves another point's disks in the place of the current ones, whose writes are dropped
    /// (FOV-4).</summary>
    Task<RecoveredMachine> SwitchAsync(RecoveryPointId point, Term term, CancellationToken ct);

    /// <summary>Returns the failed-over machine.</summary>
    /// <exception cref="ReplicaRefusedException">There is none.</exception>
    RecoveredMachine RequireLive();

    /// <summary>Has the stream back to the source compare all of the failed-over machine's disks.</summary>
    /// <exception cref="ReplicaRefusedException">There is no failed-over machine.</exception>
    void ResyncLive();

    /// <summary>
    /// The failed-over machine takes no more writes; waits until the source side holds every one durably (I22).
    /// </summary>
    Task<ChangePosition> QuiesceLiveAsync(CancellationToken ct);

    /// <summary>The failed-over machine takes writes again under a new term (a failback was cancelled).</summary>
    Task ReopenLiveAsync(Term term, CancellationToken ct);

    /// <summary>Lets the failed-over machine go; the source writes again under the new term.</summary>
    Task RemoveLiveAsync(Term term);

    /// <summary>Makes what the failed-over machine wrote the replica's newest content and lets the machine go
    /// (failback).</summary>
    Task AdoptAsync();
}
