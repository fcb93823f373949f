using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using ReplicationEngine.Actors.Clustering;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Benchmarks.Entities;

/// <summary>An engine with meters, built as an embedder builds it.</summary>
internal sealed class MeterEngine : IAsyncDisposable
{
    private readonly ServiceProvider _provider;
    private long _commands;

    private MeterEngine(ServiceProvider provider) => _provider = provider;

    /// <summary>Starts an engine.</summary>
    public static async Task<MeterEngine> StartAsync(
        BenchStore store, int snapshotEvery = 200, ClusterNode? node = null)
    {
        var builder = new ServiceCollection().AddReplicationEngine(
            options => (options.SnapshotEvery, options.Node) = (snapshotEvery, node));
        builder.AddEntity<Meter, MeterState, MeterCommand, MeterEvent>(new MeterCodec());
        store.Choose(builder);
        var engine = new MeterEngine(builder.Services.BuildServiceProvider());
        foreach (var hosted in engine._provider.GetServices<IHostedService>())
        {
            await hosted.StartAsync(default);
        }

        return engine;
    }

    public IReplicationEngine Engine => _provider.GetRequiredService<IReplicationEngine>();

    public IEntityHandle<MeterState, MeterCommand, MeterEvent> this[int number] => Engine
        .Entities<MeterState, MeterCommand, MeterEvent>()
        .Get(new VaultId("vault"), $"meter-{number}");

    /// <summary>Sends questions to one entity, each after the reply to the one before.</summary>
    public async Task AskInTurnAsync(int entity, int asks, byte[] payload)
    {
        var handle = this[entity];
        var command = new MeterCommand(payload);
        for (var i = 0; i < asks; i++)
        {
            var reply = await handle.AskAsync(command, NextCommand(), "bench", default);
            if (reply is not CommandReply.Accepted)
            {
                throw new InvalidOperationException($"The meter answered {reply}.");
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var hosted in _provider.GetServices<IHostedService>())
        {
            await hosted.StopAsync(default);
        }

        await _provider.DisposeAsync();
    }

    /// <summary>Returns ids of version 7, as drctl and the API make them, without the cost of random numbers.</summary>
    private CommandId NextCommand()
    {
        var number = (ulong)Interlocked.Increment(ref _commands);
        Span<byte> bytes = stackalloc byte[16];
        BitConverter.TryWriteBytes(bytes, number * 0x9E3779B97F4A7C15);
        BitConverter.TryWriteBytes(bytes[8..], number * 0x9E3779B97F4A7C15);
        return CommandId.Of(TimeProvider.System.GetUtcNow(), bytes);
    }
}
