using Microsoft.Extensions.DependencyInjection;
using ReplicationEngine.Actors.Hosting;

namespace ReplicationEngine.Persistence.InMemory;

/// <summary>Selects the in-memory store.</summary>
public static class InMemoryBuilderExtensions
{
    /// <summary>Stores everything in memory. Nothing survives the host's services.</summary>
    public static ReplicationEngineBuilder UseInMemory(this ReplicationEngineBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddSingleton<IEngineStore>(new MemoryStore());
        return builder;
    }
}
