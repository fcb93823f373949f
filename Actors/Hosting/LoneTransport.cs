using Akka.Actor;
using Akka.Configuration;
using Akka.Remote.Transport;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>
/// The transport of a single-node cluster: an address without a socket. A single process is a cluster like any other,
/// and it cannot be reached from outside.
/// </summary>
internal sealed class LoneTransport : Transport
{
    private const string Scheme = "lone";

    /// <summary>Created by Akka.Remote from the configuration.</summary>
    public LoneTransport(ActorSystem system, Config config)
    {
        System = system;
        Config = config;
        SchemeIdentifier = Scheme;
        MaximumPayloadBytes = int.MaxValue;
    }

    /// <inheritdoc/>
    public override Task<(Address, TaskCompletionSource<IAssociationEventListener>)> Listen() => Task.FromResult((
        new Address(Scheme, System.Name, "localhost", 1),
        new TaskCompletionSource<IAssociationEventListener>(TaskCreationOptions.RunContinuationsAsynchronously)));

    /// <inheritdoc/>
    public override bool IsResponsibleFor(Address remote) => remote.Protocol == Scheme;

    /// <inheritdoc/>
    public override Task<AssociationHandle> Associate(Address remoteAddress) =>
        Task.FromException<AssociationHandle>(new InvalidAssociationException(
            $"This process is a cluster of one and reaches no other node, such as {remoteAddress}."));

    /// <inheritdoc/>
    public override Task<bool> Shutdown() => Task.FromResult(true);
}
