using Microsoft.Extensions.DependencyInjection;
using ReplicationEngine.Actors.Hosting;

namespace ReplicationEngine.Persistence.InMemory;

/// <summary>Chooses the store in memory.</summary>
public static class InMemoryBuilderExtensions
{
    /// <summary>Keeps everything in memory: nothing outlives the host's services.</summary>
    public static ReplicationEngineBuilder UseInMemory(this ReplicationEngineBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.AddSingleton<IEngineStore>(new MemoryStore());
        return builder;
    }
}
