using ReplicationEngine.Chaos.Witness.Processes;
using Xunit;

namespace ReplicationEngine.Tests.Vault.EndToEnd;

/// <summary>The example of the README, <c>samples/Embedding</c>, runs and does what it says.</summary>
public sealed class An_embedded_engine
{
    [Fact]
    public void The_example_protects_a_vm_and_its_journal_is_sound()
    {
        var directory = Directory.CreateTempSubdirectory("dr-embedding-").FullName;
        try
        {
            using var example = ChildProcess.Start(
                Path.Combine(AppContext.BaseDirectory, "embedding"), [Path.Combine(directory, "journal.db")]);
            Assert.True(example.WaitForExit() == 0, example.Errors);
            Assert.EndsWith("phase Protected", example.Output.TrimEnd(), StringComparison.Ordinal);
            using var verified = ChildProcess.Start(Lab.Program, ["journal", "verify", "--data", directory]);
            Assert.True(verified.WaitForExit() == 0, verified.Errors);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
