using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>
/// Decides whether the guest may write: not while the volume is closed, quiesced, fenced or broken. Stores the term.
/// </summary>
/// <remarks>
/// <b>Locks</b>: the order lock guards all fields, so a write that was admitted under it is ordered before a fence or a
/// quiesce takes effect. Whether the volume is closed may be read without it. The state file's lock is taken outside
/// the order lock here.
/// </remarks>
internal sealed class WriteAdmission(
    SourceVolumeOptions options, VolumeStateFile state, WriteOrder order, VolumeSignals signals)
{
    private volatile bool _closed;
    private bool _fenced = state.Current.Fenced;
    private bool _quiesced;
    private bool _broken;

    /// <summary>The term under which the volume writes.</summary>
    public Term Term => state.Current.Term;

    /// <summary>Whether the volume is closed permanently.</summary>
    public bool IsClosed => _closed;

    /// <summary>Whether writes are refused under the present term. Under the order lock.</summary>
    public bool IsFenced => _fenced;

    /// <summary>Whether a fence or a quiesce refuses writes; read without a lock, so only a hint.</summary>
    public bool IsSuspended => _fenced || _quiesced;

    /// <summary>Returns if the guest may write, otherwise throws. Under the order lock.</summary>
    /// <exception cref="BlockDeviceException">The guest may not write.</exception>
    public void Check()
    {
        if (_closed || _quiesced)
        {
            throw ClosedError();
        }

        if (_fenced)
        {
            throw new BlockDeviceException(
                $"'{options.Vm}' is fenced in term {Term}: it was failed over", BlockDeviceException.NotPermitted);
        }

        if (_broken)
        {
            throw new BlockDeviceException(
                $"neither disk nor map of '{options.Vm}' accepts writes; repair '{options.Directory.Path}', then open "
                    + "it again",
                BlockDeviceException.InputOutput);
        }
    }

    /// <summary>Returns the error for an operation on a closed volume.</summary>
    public BlockDeviceException ClosedError() =>
        new($"'{options.Vm}' accepts no more writes: it is being closed or moved", BlockDeviceException.Shutdown);

    /// <summary>Refuses writes from now on, without waiting for those in progress.</summary>
    public void Close() => _closed = true;

    /// <summary>Refuses writes until the volume is opened again, because neither disk nor map accepts any.</summary>
    public void Break()
    {
        lock (order.Gate)
        {
            _broken = true;
        }
    }

    /// <summary>Refuses writes until <see cref="Resume"/>; on return none is in progress.</summary>
    public void Quiesce()
    {
        lock (order.Gate)
        {
            _quiesced = true;
            order.WaitForCompletion(order.Newest);
        }
    }

    /// <summary>Accepts writes again after <see cref="Quiesce"/>.</summary>
    public void Resume()
    {
        lock (order.Gate)
        {
            _quiesced = false;
        }
    }

    /// <summary>Refuses writes, durably; on return none is in progress.</summary>
    /// <exception cref="SourceVolumeException">The term is smaller than the volume's.</exception>
    public void Fence(Term term)
    {
        CheckTerm(term);
        Lsn completed;
        lock (order.Gate)
        {
            _fenced = true;
            order.WaitForCompletion(order.Newest);
            completed = order.Newest;
        }

        // While fenced the disks may be written from below; this log must not be redone over those writes.
        state.Update(s => s with { Fenced = true, Term = term, Completed = completed });
        signals.ChangeCondition(c => c with { Fenced = true });
        signals.PublishCondition();
    }

    /// <summary>Ends a fence under a term, durably.</summary>
    /// <exception cref="SourceVolumeException">The term is smaller than the volume's.</exception>
    public void Unfence(Term term)
    {
        CheckTerm(term);
        state.Update(s => s with { Fenced = false, Term = term });
        lock (order.Gate)
        {
            _fenced = false;
        }

        signals.ChangeCondition(c => c with { Fenced = false });
        signals.PublishCondition();
    }

    /// <summary>Raises the volume's term, durably.</summary>
    /// <exception cref="SourceVolumeException">The term is smaller than the volume's.</exception>
    public void SetTerm(Term term)
    {
        CheckTerm(term);
        state.Update(s => s with { Term = term });
    }

    /// <summary>Throws if a term is older than the volume's.</summary>
    /// <exception cref="SourceVolumeException">The term is smaller than the volume's.</exception>
    public void CheckTerm(Term term)
    {
        if (term.CompareTo(Term) < 0)
        {
            throw new SourceVolumeException(
                SourceVolumeError.StaleTerm, $"term {term} is smaller than the term {Term} of '{options.Vm}'");
        }
    }
}
