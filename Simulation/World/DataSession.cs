using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Transport;
using ReplicationEngine.DataPlane.Transport.Framing;
using ReplicationEngine.DataPlane.Transport.Receiving;
using ReplicationEngine.DataPlane.Transport.Sending;

namespace ReplicationEngine.Simulation.World;

/// <summary>One end of a data session: its process, and the callback for the session's end.</summary>
internal sealed record SessionEnd(Node Node, Action<IOException> Ended);

/// <summary>
/// A data session over the simulated link. Machines, steps, fillers, frames and ciphers are the production ones. Only
/// the waiting is done by the queue.
/// </summary>
internal sealed class DataSession
{
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(2.5);
    private static readonly TimeSpan PollEvery = TimeSpan.FromMilliseconds(250);
    private static readonly BufferPool Pool = new();
    private readonly SimWorld _world;
    private readonly Wire _wire;
    private readonly bool _toService;
    private readonly SessionEnd _sender;
    private readonly SessionEnd _receiver;
    private readonly IChangeSource _source;
    private readonly SendMachine _machine;
    private readonly SendSteps _sendSteps;
    private readonly SlotFiller _filler;
    private readonly ReceiveSteps _receiveSteps;
    private readonly FrameCipher _forth;
    private readonly FrameCipher _back;
    private readonly (int Sender, int Receiver) _lives;
    private readonly ReceiveOptions _receiveOptions = new();
    private readonly bool[] _swallows = new bool[2];
    private ulong _expected = 1;
    private ulong _expectedBack = 1;
    private ulong _nextBack = 1;
    private TimeSpan _heard;
    private TimeSpan _receiverHeard;
    private bool _pumping;
    private bool _settling;

    private DataSession(
        SimWorld world, Wire wire, bool toService, (SessionEnd Sender, SessionEnd Receiver) ends, IChangeSource source,
        IReplicaSink sink)
    {
        (_world, _wire, _toService, _source) = (world, wire, toService, source);
        (_sender, _receiver) = ends;
        var options = new SendOptions { Compress = (world.Plan.Seed & 1) == 0 };
        (_forth, _back) = SessionKeys.Ciphers(world.DataKey, [1], [2], [3]);
        var position = sink.Position;
        position = position with
        {
            History = position.History with { ChangedSinceFloor = sink.ChangedSince(source.History.Floor) },
        };
        var after = source.Attach(position);
        _machine = new SendMachine(options, position, after, 1);
        _sendSteps = new SendSteps(_machine, source, options);
        _filler = new SlotFiller(source, _forth, Pool, ends.Sender.Node.Clock, new TransferMeter(), options.Compress);
        _receiveSteps = new ReceiveSteps(
            sink, new SenderIdentity(source.Term, source.History.Incarnation), _receiveOptions, 1);
        _heard = _receiverHeard = world.Queue.Now;
        _lives = (ends.Sender.Node.Life, ends.Receiver.Node.Life);
    }

    /// <summary>Whether the session is running.</summary>
    public bool Open { get; private set; } = true;

    /// <summary>Whether the sender has nothing left to compare or copy.</summary>
    public bool Streaming => !_machine.Resyncing;

    /// <summary>The position up to which the receiver reported that it holds the changes durably.</summary>
    public ChangePosition Durable => _machine.Durable;

    /// <summary>The sender's counts of log bytes (I30).</summary>
    public (long Shipped, long Applied, long InFlight) LogBytes => _machine.LogBytes;

    /// <summary>Begins a session between two ends that have agreed on it.</summary>
    /// <exception cref="IOException">The source or the replica refuses the session.</exception>
    public static DataSession Begin(
        SimWorld world, Wire wire, bool toService, (SessionEnd Sender, SessionEnd Receiver) ends, IChangeSource source,
        IReplicaSink sink)
    {
        wire.Connect();
        var session = new DataSession(world, wire, toService, ends, source, sink);
        ends.Sender.Node.After(TimeSpan.Zero, session.Pump);
        session.TickOn();
        session.ListenOn();
        return session;
    }

    /// <summary>
    /// Lets the network forget the connection: messages in the selected directions do not arrive any more, and neither
    /// end is informed. New connections are not affected.
    /// </summary>
    public void Forget(bool toReceiver, bool toSender)
    {
        _swallows[0] |= toReceiver;
        _swallows[1] |= toSender;
    }

    /// <summary>Notifies the sender that the source may have new work.</summary>
    public void Poke()
    {
        if (Open && !_pumping)
        {
            _pumping = true;
            _sender.Node.After(TimeSpan.FromMilliseconds(2), () =>
            {
                _pumping = false;
                if (_machine.WantsWork)
                {
                    _machine.WorkArrived();
                }

                Pump();
            });
        }
    }

    /// <summary>Ends the session and notifies both ends.</summary>
    public void End(string why) => End(new IOException(why));

    private void End(IOException why)
    {
        if (Open)
        {
            Open = false;
            _world.Trace.Note("session ends", (long)_expected);
            _forth.Dispose();
            _back.Dispose();
            _sender.Ended(why);
            _receiver.Ended(why);
        }
    }

    private void TickOn() => _sender.Node.After(Tick, () =>
    {
        if (Open)
        {
            Pump();
            TickOn();
        }
    });

    /// <summary>Lets the receiver check periodically that the sender is not silent for too long.</summary>
    private void ListenOn() => _receiver.Node.After(Tick, () =>
    {
        if (Open && _world.Queue.Now - _receiverHeard > _receiveOptions.PeerTimeout)
        {
            _world.Sometimes.Count(Probes.HalfOpenNoticed);
            End("the sender has been silent for too long");
        }
        else if (Open)
        {
            ListenOn();
        }
    });

    private void Pump()
    {
        if (!Open)
        {
            return;
        }

        try
        {
            PumpOn();
        }
        catch (IOException e)
        {
            End(e);
        }
    }

    private void PumpOn()
    {
        while (Open)
        {
            var action = _machine.Next(_world.Queue.Now);
            switch (action.Step)
            {
                case SendStep.Wait or SendStep.Finished:
                    return;
                case SendStep.Poll:
                    PollLater();
                    return;
                default:
                    if (_sendSteps.Execute(action, _world.Queue.Now) is { } slot)
                    {
                        Send(slot);
                    }

                    break;
            }
        }
    }

    private void PollLater()
    {
        if (!_pumping)
        {
            _pumping = true;
            _sender.Node.After(PollEvery, () =>
            {
                _pumping = false;
                _machine.PollOver();
                Pump();
            });
        }
    }

    private void Send(SendSlot slot)
    {
        _filler.Fill(slot);
        if (slot.Log is { } log)
        {
            _sendSteps.Logs.Return(log);
        }

        var frame = slot.Frame.AsSpan(0, slot.Length).ToArray();
        Pool.Return(slot.Frame);
        _wire.Stream(_toService, frame.Length, () => Deliver(toReceiver: true, () => Arrived(frame)));
    }

    /// <summary>
    /// Delivers a frame to the process at the other end. A process that was restarted does not know the connection and
    /// resets it. A process that is not running does not reply.
    /// </summary>
    private void Deliver(bool toReceiver, Action action)
    {
        var (end, life) = toReceiver ? (_receiver, _lives.Receiver) : (_sender, _lives.Sender);
        if (!Open || _swallows[toReceiver ? 0 : 1])
        {
            return;
        }

        if (end.Node.Life == life)
        {
            end.Node.After(TimeSpan.Zero, action);
        }
        else if (end.Node.Alive)
        {
            End("the connection was reset");
        }
    }

    private void Arrived(byte[] frame)
    {
        if (!Open)
        {
            return;
        }

        try
        {
            _receiverHeard = _world.Queue.Now;
            var header = FrameHeader.Read(frame, _expected++);
            var slot = new ReceiveSlot(new SealedFrame(header, (byte[])frame.Clone()));
            slot.Open(_forth, Pool);
            if (_receiveSteps.Apply(header.Type, header.Sequence, slot.Payload, _world.Queue.Now) is { } answer)
            {
                SendBack(FrameType.Answer, answer);
            }

            Settle();
        }
        catch (IOException e)
        {
            _world.Trace.Note("receiver refuses");
            End(e);
        }
    }

    private void Settle()
    {
        if (_receiveSteps.Settle(idle: true, _world.Queue.Now) is { } ack)
        {
            SendBack(FrameType.Ack, ack);
        }

        if (_receiveSteps.SyncIn(_world.Queue.Now) is { } wait && !_settling)
        {
            _settling = true;
            _receiver.Node.After(wait, () =>
            {
                _settling = false;
                if (Open)
                {
                    try
                    {
                        Settle();
                    }
                    catch (IOException e)
                    {
                        End(e);
                    }
                }
            });
        }
    }

    private void SendBack(FrameType type, byte[] payload)
    {
        var frame = new byte[FrameHeader.Size + payload.Length + FrameHeader.TagSize];
        _back.Seal(type, _nextBack++, payload, frame, payload.Length, compressed: false);
        _wire.Stream(!_toService, frame.Length, () => Deliver(toReceiver: false, () => CameBack(frame)));
    }

    private void CameBack(byte[] frame)
    {
        if (!Open)
        {
            return;
        }

        try
        {
            var header = FrameHeader.Read(frame, _expectedBack++);
            var copy = (byte[])frame.Clone();
            _back.Open(header, copy);
            var payload = copy.AsSpan(FrameHeader.Size, header.CipherLength);
            if (header.Type == FrameType.Ack)
            {
                var (applied, durableSequence, durable) = AckPayload.ReadAck(payload);
                _machine.Acked(applied, durableSequence, durable);
            }
            else
            {
                var (probe, differing) = AckPayload.ReadAnswer(payload);
                _machine.Answered(probe, differing);
            }

            _heard = _world.Queue.Now;
            _machine.Heard(_heard);
            Pump();
        }
        catch (IOException e)
        {
            End(e);
        }
    }
}
