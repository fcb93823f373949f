using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Orchestration.Sources;

namespace ReplicationEngine.Orchestration.Targets;

/// <summary>
/// The target side of one VM as used by effects and facts: the replica with its recovery points, and the machines
/// recovered from them. Each operation describes a state to reach and does nothing if that state already holds.
/// Operations run one at a time; observations may run concurrently with them.
/// </summary>
public interface ITargetVolume
{
    /// <summary>Whether a source is connected and sending.</summary>
    bool Receiving { get; }

    /// <summary>Whether a failed-over machine exists.</summary>
    bool HasLive { get; }

    /// <summary>Returns the current observation of the target side.</summary>
    TargetObservation Observe();

    /// <summary>Records the source's position, from which the data loss of a failover is computed (I21).</summary>
    /// <param name="observation">The source's report.</param>
    /// <param name="before">A moment of the service after which everything in the report was observed; null when none
    /// is known, and then the report does not date any position.</param>
    void NoteReport(SourceObservation observation, ServiceMoment? before);

    /// <summary>
    /// Returns why the host has too few descriptors for this replica, when it is not open yet; null when it has enough.
    /// </summary>
    string? NoRoomFor(int disks);

    /// <summary>Clears the fault, so that transfers are retried. The fault returns if they fail again.</summary>
    void ForgetFault();

    /// <summary>Creates the replica, or opens the existing one.</summary>
    /// <exception cref="ReplicaCorruptException">The existing replica is damaged.</exception>
    Task PrepareAsync(IReadOnlyList<DiskSpec> disks, Term term, CancellationToken cancellationToken);

    /// <summary>Refuses senders with a lower term from now on.</summary>
    void Fence(Term term);

    /// <summary>
    /// Waits until the replica durably holds everything up to a position and is not resyncing. With
    /// <paramref name="giveUpWhenIdle"/>, stops waiting when nothing has arrived for a while, and returns false.
    /// </summary>
    Task<bool> WaitForAsync(ChangePosition position, bool giveUpWhenIdle, CancellationToken ct);

    /// <summary>Whether a recovery point exists.</summary>
    bool HasPoint(RecoveryPointId point);

    /// <summary>
    /// Records that the source is being asked for a point, which holds every write acknowledged before. Ignored when an
    /// earlier run of the service has already asked for the point, because it may have been marked then (I21).
    /// </summary>
    void NoteAsked(RecoveryPointId point);

    /// <summary>Seals everything received as a point.</summary>
    void SealNow(RecoveryPointId point);

    /// <summary>Deletes recovery points. Points that do not exist are ignored.</summary>
    void Prune(IReadOnlyList<RecoveryPointId> points);

    /// <summary>Makes the point the replica's newest content and deletes the others (FOV-4).</summary>
    void Settle(RecoveryPointId point);

    /// <summary>Serves a writable copy of a point without changing anything else (FOV-1, I23).</summary>
    Task<RecoveredMachine> StartTestAsync(RecoveryPointId point, CancellationToken ct);

    /// <summary>Removes the test machine and everything it wrote.</summary>
    Task RemoveTestAsync();

    /// <summary>
    /// Takes the term, so that senders with a lower one are refused, and serves writable disks of the point. Needs
    /// nothing of the source (FOV-9).
    /// </summary>
    Task<RecoveredMachine> FailOverAsync(RecoveryPointId point, Term term, CancellationToken ct);

    /// <summary>Serves another point's disks in place of the current ones, whose writes are dropped (FOV-4).</summary>
    Task<RecoveredMachine> SwitchAsync(RecoveryPointId point, Term term, CancellationToken ct);

    /// <summary>Returns the failed-over machine.</summary>
    /// <exception cref="ReplicaRefusedException">No failed-over machine exists.</exception>
    RecoveredMachine RequireLive();

    /// <summary>Has the stream back to the source compare all of the failed-over machine's disks.</summary>
    /// <exception cref="ReplicaRefusedException">No failed-over machine exists.</exception>
    void ResyncLive();

    /// <summary>
    /// Stops writes to the failed-over machine and waits until the source side holds every write durably (I22).
    /// </summary>
    Task<ChangePosition> QuiesceLiveAsync(CancellationToken ct);

    /// <summary>Lets the failed-over machine accept writes again under a new term (a failback was cancelled).</summary>
    Task ReopenLiveAsync(Term term, CancellationToken ct);

    /// <summary>Removes the failed-over machine; the source writes again under the new term.</summary>
    Task RemoveLiveAsync(Term term);

    /// <summary>
    /// Makes the failed-over machine's writes the replica's newest content and removes the machine (failback).
    /// </summary>
    Task AdoptAsync();
}
