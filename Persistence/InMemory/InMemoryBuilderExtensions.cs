using Microsoft.Extensions.DependencyInjection;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;

namespace ReplicationEngine.Persistence.InMemory;

/// <summary>Chooses the in-memory store.</summary>
public static class InMemoryBuilderExtensions
{
    /// <summary>Keeps everything in memory: it is gone when the service provider is.</summary>
    public static ReplicationEngineBuilder UseInMemory(this ReplicationEngineBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddSingleton<InMemoryLeases>();
        builder.Services.AddSingleton<InMemoryJournal>();
        builder.Services.AddSingleton<ILeaseStore>(services => services.GetRequiredService<InMemoryLeases>());
        builder.Services.AddSingleton<IEventJournal>(services => services.GetRequiredService<InMemoryJournal>());
        builder.Services.AddSingleton<IReminderIndex>(services => services.GetRequiredService<InMemoryJournal>());
        builder.Services.AddSingleton<ISnapshotStore, InMemorySnapshots>();
        return builder;
    }
}
