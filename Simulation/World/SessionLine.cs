using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Agent.Volumes;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.Simulation.World;

/// <summary>
/// The line that keeps a data session between an agent and the service connected, as the agent does over sockets. It
/// connects again whenever the session has ended, until it is disposed.
/// </summary>
internal sealed class SessionLine : IVolumeSession
{
    private static readonly TimeSpan CallAgainAfter = TimeSpan.FromSeconds(3);
    private readonly SimWorld _world;
    private readonly AgentNode _agent;
    private readonly SimVm _vm;
    private readonly Func<int> _greet;
    private readonly Func<SessionEnd, int, DataSession> _call;
    private readonly DateTimeOffset _countedSince;
    private VolumeProblem? _problem;
    private bool _over;

    public SessionLine(
        SimWorld world, AgentNode agent, SimVm vm, Func<int> greet, Func<SessionEnd, int, DataSession> call)
    {
        (_world, _agent, _vm, _greet, _call) = (world, agent, vm, greet, call);
        _countedSince = agent.Clock.GetUtcNow();
        agent.After(TimeSpan.Zero, Call);
    }

    /// <summary>The present session; null while there is none.</summary>
    public DataSession? Session { get; private set; }

    /// <inheritdoc/>
    public VolumeProblem? Problem => Session is { Open: true } ? null : _problem;

    /// <inheritdoc/>
    public TransferStatus Status()
    {
        var session = Session is { Open: true } open ? open : null;
        return new TransferStatus(
            session is null ? TransferPhase.Connecting
                : session.Streaming ? TransferPhase.Streaming : TransferPhase.Resync, session is not null, 0, 0, 0,
            null, session?.LogBytes.Shipped ?? 0, session?.LogBytes.Shipped ?? 0, 0, _countedSince);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        End("not to replicate");
        if (ReferenceEquals(_agent.Line, this))
        {
            _agent.Line = null;
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Called when the agent's process died.</summary>
    /// <param name="silently">Whether its machine lost power too, so that nothing notifies the other end.</param>
    public void Died(bool silently)
    {
        if (silently)
        {
            (_over, Session) = (true, null);
        }
        else
        {
            End("the agent died");
        }
    }

    private void End(string why)
    {
        _over = true;
        var session = Session;
        Session = null;
        session?.End(why);
    }

    private void Call()
    {
        if (_over || Session is { Open: true })
        {
            return;
        }

        if (!_vm.Wire.Passes || !_world.Service.Alive || _world.Service.Paused)
        {
            _agent.After(CallAgainAfter, Call);
            return;
        }

        Trying(() =>
        {
            var greeting = _greet();
            _agent.After(_vm.Wire.RoundTrip(), () => Begin(greeting));
        });
    }

    private void Begin(int greeting)
    {
        if (_over)
        {
            return;
        }

        Trying(() => Session = _world.Service.Alive && _vm.Wire.Passes
            ? _call(new SessionEnd(_agent, Ended), greeting) : throw new IOException("the connection broke"));
    }

    private void Trying(Action action)
    {
        try
        {
            action();
        }
        catch (IOException e)
        {
            _world.Trace.Note("no session: " + e.GetType().Name);
            Ended(e);
        }
    }

    private void Ended(IOException why)
    {
        _problem = SessionProblem.Of(why);
        Session = null;
        if (!_over)
        {
            _agent.After(CallAgainAfter, Call);
        }
    }
}
