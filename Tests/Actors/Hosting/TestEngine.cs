using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Persistence.InMemory;
using ReplicationEngine.Persistence.Sql;
using ReplicationEngine.Tests.TestKit.Counters;

namespace ReplicationEngine.Tests.Actors.Hosting;

using CounterHandle = IEntityHandle<CounterState, CounterCommand, CounterEvent>;

/// <summary>An engine built the way an embedder builds it, over a file or over memory that outlives it.</summary>
internal sealed class TestEngine : IAsyncDisposable
{
    private readonly ServiceProvider _provider;

    private TestEngine(ServiceProvider provider) => _provider = provider;

    public IReplicationEngine Engine => _provider.GetRequiredService<IReplicationEngine>();

    public IEntitySet<CounterState, CounterCommand, CounterEvent> Counters =>
        Engine.Entities<CounterState, CounterCommand, CounterEvent>();

    public CounterHandle this[string name] => Counters.Get(new VaultId("vault"), name);

    public IEngineStore Store => _provider.GetRequiredService<IEngineStore>();

    public int ActiveCounters => _provider.GetServices<IEntityRegion>().Single().ActiveCount;

    public static CommandId Command(int number) => new(new Guid(number, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10));

    public static async Task<TestEngine> StartAsync(
        MemoryStore? store = null,
        string? path = null,
        TimeProvider? time = null,
        IEffectHandler<CounterCommand>? effects = null,
        Action<ReplicationEngineOptions>? configure = null,
        Action<ReplicationEngineBuilder>? build = null)
    {
        var services = new ServiceCollection();
        services.AddSingleton(time ?? TimeProvider.System);
        if (effects is not null)
        {
            services.AddSingleton(effects);
        }

        var builder = services.AddReplicationEngine(options => configure?.Invoke(options));
        builder.AddEntity<Counter, CounterState, CounterCommand, CounterEvent>(new CounterCodec());
        if (store is not null)
        {
            services.AddSingleton<IEngineStore>(store);
        }
        else if (path is not null)
        {
            builder.UseSqlite(path);
        }
        else
        {
            builder.UseInMemory();
        }

        build?.Invoke(builder);
        var engine = new TestEngine(services.BuildServiceProvider());
        await engine.Hosted.StartAsync(default);
        return engine;
    }

    public async Task StopAsync() => await Hosted.StopAsync(default);

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await _provider.DisposeAsync();
    }

    private IHostedService Hosted => _provider.GetServices<IHostedService>().OfType<EngineHost>().Single();
}
