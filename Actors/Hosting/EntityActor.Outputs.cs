using System.Diagnostics;
using Akka.Actor;
using Akka.Cluster.Sharding;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Actors.Hosting;

/// <content>Carries out what the core asks for.</content>
internal sealed partial class EntityActor<TAggregate, TState, TCommand, TEvent>
{
    private readonly Dictionary<EffectId, IActorRef> _effects = new(0);
    private long _effectsStarted;
    private long _persistBegan;
    private Activity? _persisting;
    private Action<StoredEvent>? _persisted;

    private void Advance(CoreInput<TCommand> input)
    {
        try
        {
            for (CoreInput<TCommand>? next = input; next is not null;)
            {
                next = CarryOut(_core.Step(next, _region.Services.Clock.Now));
            }
        }
        catch (Exception exception)
        {
            // The core answers for the entity's own exceptions; this one is the host's. Started again at once, the
            // actor would meet it again at once.
            Break(exception);
        }
    }

    private void Break(Exception exception)
    {
        _region.Services.Trouble.Failed(exception);
        _region.Services.Logger.ActorBroken(_id, exception);
        _asker?.Tell(new CommandReply.Unavailable(
            UnavailableReason.JournalUnavailable, JournalTrouble.Unknown(_id, exception)));
        _asker = null;
        _region.WakeLater(_id);
        Context.Stop(Self);
    }

    /// <summary>
    /// Returns the answer to the step's question, if there was one that could be answered at once. Who asked hears
    /// last, so that whatever the command leads to (its alarm above all) is set up by then.
    /// </summary>
    private CoreInput<TCommand>? CarryOut(IReadOnlyList<CoreOutput> outputs)
    {
        CoreInput<TCommand>? answer = null;
        CommandReply? said = null;
        for (var i = 0; i < outputs.Count; i++)
        {
            switch (outputs[i])
            {
                case CoreOutput.Persist persist:
                    answer = Persist(persist);
                    break;
                case CoreOutput.Reply reply:
                    said = reply.Answer;
                    break;
                case CoreOutput.FindCommand find:
                    _ = LookUpAsync(find.CommandId).PipeTo(Self);
                    break;
                case CoreOutput.StartEffect start:
                    StartEffect(start.Effect);
                    break;
                case CoreOutput.CancelEffect cancel:
                    CancelEffect(cancel.EffectId);
                    break;
                case CoreOutput.WakeAt wake:
                    _region.Alarms.Set(_id, wake.Due);
                    break;
                case CoreOutput.SaveSnapshot save:
                    SaveSnapshot(save.Snapshot);
                    break;
                case { } told:
                    Told(told);
                    break;
            }
        }

        if (said is not null)
        {
            _region.Services.Telemetry.CommandAnswered(_id.Type, said);
            _asker!.Tell(said);
            _asker = null;
        }

        return answer;
    }

    private CoreInput<TCommand>? Persist(CoreOutput.Persist persist)
    {
        if (_region.Services.Store.WhyFull() is { } full)
        {
            return new CoreInput<TCommand>.NotPersisted(full);
        }

        _persistBegan = _region.Services.Telemetry.TimePersist();
        _persisting = _region.Services.Telemetry.Begin("entity.persist", _id, _asked);
        _persisting?.SetTag("entity.events", persist.Events.Length);
        _asked = default;
        _persisted ??= PersistedOne;
        if (persist.Events is [var only])
        {
            Persist(only, _persisted);
        }
        else
        {
            PersistAll(persist.Events, _persisted);
        }

        return null;
    }

    private void PersistedOne(StoredEvent stored)
    {
        if (stored.EndsCommand)
        {
            var services = _region.Services;
            services.Telemetry.Persisted(_id.Type, _persistBegan);
            EndActivity(ref _persisting);
            services.Trouble.Ended();
            services.Pulse.Signal();
            Advance(CoreInput<TCommand>.Persisted.Instance);
        }
    }

    private async Task<object> LookUpAsync(CommandId commandId)
    {
        try
        {
            return new CommandLookedUp(
                commandId, await _region.Services.Store.Log.FindCommandAsync(_id, commandId, CancellationToken.None),
                null);
        }
        catch (Exception exception)
        {
            // Whatever it is, the command waits for this answer, and the entity for the command.
            _region.Services.Trouble.Failed(exception);
            return new CommandLookedUp(commandId, null, JournalTrouble.Sentence(exception) + ".");
        }
    }

    private void StartEffect(Engine.Kernel.Effect effect)
    {
        if (_region.Effects is { } effects)
        {
            var name = $"{Uri.EscapeDataString(effect.Id.Value)}~{++_effectsStarted}";
            _effects[effect.Id] = Context.ActorOf(
                Props.Create<EffectActor<TCommand>>(effects, _id, effect), name);
        }
    }

    private void CancelEffect(EffectId effect)
    {
        if (_effects.TryGetValue(effect, out var actor))
        {
            actor.Tell(EffectActor.Cancel.Instance);
        }
    }

    private void EndEffect(EffectEnded ended)
    {
        if (_effects.TryGetValue(ended.Effect, out var actor) && actor.Equals(Sender))
        {
            _effects.Remove(ended.Effect);
        }
    }

    private void Told(CoreOutput output)
    {
        var services = _region.Services;
        switch (output)
        {
            case CoreOutput.SnapshotIgnored ignored:
                services.Logger.SnapshotIgnored(_id, ignored.Reason);
                break;
            case CoreOutput.Quarantined quarantined:
                services.Telemetry.EntityQuarantined(_id.Type);
                _live.Quarantine = quarantined.Cause;
                // The sentence names damaged data; where the code met it says nothing. A bug is found by its stack.
                services.Logger.EntityQuarantined(
                    quarantined.Cause,
                    quarantined.Exception is JournalCorruptException or UnreadableEventException
                        ? null : quarantined.Exception);
                break;
            case CoreOutput.Passivate:
                HandOver();
                break;
            case CoreOutput.Restart restart:
                if (restart.Cause is { } cause)
                {
                    services.Telemetry.EntityRestarted(_id.Type);
                    services.Logger.EntityRestarted(_id, cause);
                }

                if (!_handedOver)
                {
                    HandOver();
                    _region.Deliver(_id, Wake.Instance);
                }

                break;
            default:
                throw new InvalidOperationException($"The actor of {_id} does not know the output {output}.");
        }
    }

    /// <summary>Has the shard keep what comes for the entity's next actor, and end this one.</summary>
    private void HandOver()
    {
        _handedOver = true;
        Context.Parent.Tell(new Passivate(StopEntity.Instance));
    }
}
