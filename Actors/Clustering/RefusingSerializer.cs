using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Configuration;
using Akka.Serialization;

namespace ReplicationEngine.Actors.Clustering;

/// <summary>
/// Takes the place of Akka's general serializer, which would create any type that a message names. Everything that
/// leaves the process has a serializer of its own, so this one refuses.
/// </summary>
internal sealed class RefusingSerializer : Serializer
{
    /// <summary>Created by Akka with the settings of the serializer that this one replaces.</summary>
    public RefusingSerializer(ExtendedActorSystem system, Config settings)
        : base(system) => _ = settings;

    /// <summary>The identifier of the serializer that this one replaces.</summary>
    public override int Identifier => 1;

    /// <inheritdoc/>
    public override bool IncludeManifest => false;

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj) => throw new SerializationException(
        $"{obj.GetType()} must not leave the process: no serializer is registered for it.");

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, Type type) => throw new SerializationException(
        "The message names no registered serializer; it is not read.");
}
