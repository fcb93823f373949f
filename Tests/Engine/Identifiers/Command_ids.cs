using System.Security.Cryptography;
using ReplicationEngine.Engine.Identifiers;
using Xunit;

namespace ReplicationEngine.Tests.Engine.Identifiers;

/// <summary>Ids of commands that are made of a time and a digest.</summary>
public sealed class Command_ids
{
    private static readonly DateTimeOffset s_time = new(2026, 11, 30, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Have_version_7_of_their_time_and_are_the_same_of_the_same()
    {
        var id = CommandId.Of(s_time, SHA256.HashData([1]));
        Assert.Equal(7, id.Value.Version);
        Assert.Equal(0b10, id.Value.Variant >> 2);
        Assert.Equal(Guid.CreateVersion7(s_time).ToString("N")[..12], id.ToString()[..12]);
        Assert.Equal(id, CommandId.Of(s_time, SHA256.HashData([1])));
        Assert.NotEqual(id, CommandId.Of(s_time, SHA256.HashData([2])));
        Assert.NotEqual(id, CommandId.Of(s_time.AddMilliseconds(1), SHA256.HashData([1])));
    }

    [Fact]
    public void Rise_with_time_as_texts()
    {
        var ids = Enumerable.Range(0, 100)
            .Select(n => CommandId.Of(s_time.AddMilliseconds(n * 997), SHA256.HashData([(byte)n])).ToString()).ToList();
        Assert.Equal(ids.Order(StringComparer.Ordinal), ids);
    }
}
