using System.Text.Json.Nodes;
using ReplicationEngine.Chaos.Cli;
using Xunit;

namespace ReplicationEngine.Tests.Chaos;

/// <summary>Short runs with the real processes.</summary>
public sealed class Whole_runs : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("chaos-");

    private string Work => Path.Combine(_directory.FullName, "run");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    [Trait("Req", "I2")]
    [Trait("Req", "I4")]
    [Trait("Req", "I16")]
    [Trait("Req", "I20")]
    [Trait("Req", "I21")]
    [Trait("Req", "I24")]
    public async Task With_kills_halts_and_a_lost_source_everything_holds_and_nothing_is_left_behind()
    {
        var (code, output, error) = await RunAsync(
            "--seed", "107", "--rounds", "2", "--vms", "1", "--disks", "1", "--faults", "kill,pause-agent", "--json");
        Assert.True(code == 0, $"{output}\n{error}");
        var result = JsonNode.Parse(output)!;
        Assert.True((bool)result["held"]!);
        Assert.Equal(2, (int)result["rounds"]!);
        Assert.Null(result["violation"]);
        Assert.True((long)result["writesAcknowledged"]! > 200);
        Assert.True((long)result["faults"]!["kill-agent"]! + (long)result["faults"]!["kill-service"]! > 0);
        foreach (var check in new[] { "I2", "I4", "I6", "I11", "I16", "I21", "I23", "I24", "I25", "I27", "journal" })
        {
            Assert.True((long?)result["checks"]![check] > 0, $"{check} was never checked: {output}");
        }

        Assert.False(Directory.Exists(Work));
    }

    [Fact]
    [Trait("Req", "I15")]
    [Trait("Req", "I25")]
    public async Task A_journal_that_is_lost_or_older_is_made_anew_and_a_stranger_gets_nothing()
    {
        var (code, output, error) = await RunAsync(
            "--seed", "3", "--rounds", "1", "--vms", "1", "--disks", "1", "--faults",
            "lose-journal,old-journal,stranger", "--json");
        Assert.True(code == 0, $"{output}\n{error}");
        var result = JsonNode.Parse(output)!;
        foreach (var fault in new[] { "lose-journal", "old-journal", "stranger" })
        {
            Assert.True((long?)result["faults"]![fault] > 0, $"{fault} was never done: {output}");
        }

        Assert.True((long?)result["checks"]!["lost"] > 0 && (long?)result["checks"]!["identity"] > 0, output);
    }

    [Fact]
    public async Task A_byte_that_changed_behind_the_agent_is_found_told_with_its_seed_and_kept()
    {
        using var end = new CancellationTokenSource();
        var tampering = TamperAsync(Path.Combine(Work, "source", "vm1-0.img"), end.Token);
        var (code, output, error) = await RunAsync(
            "--seed", "4", "--rounds", "1", "--vms", "1", "--disks", "1", "--faults", "kill-service");
        await end.CancelAsync();
        await tampering;
        Assert.True(code == 1, $"{output}\n{error}");
        Assert.Matches("FAILED in round [01]: I(2|11): vm1, .*(block|byte) ", output);
        Assert.Contains("Repeat: ./drctl chaos --seed 4 --rounds 1 --vms 1 --disks 1 --faults kill-service", output,
            StringComparison.Ordinal);
        Assert.Contains($"Kept: {Work}", output, StringComparison.Ordinal);
        Assert.True(File.Exists(Path.Combine(Work, "processes.log")));
        Assert.Contains("--- service", await File.ReadAllTextAsync(
            Path.Combine(Work, "processes.log"), TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("'earthquake' is not a fault; give one or more of kill-agent,", "--faults", "earthquake")]
    [InlineData("--vms 0 is out of range; write a number from 1 to 8.", "--vms", "0")]
    [InlineData("--disks 99 is out of range; write a number from 1 to 4.", "--disks", "99")]
    [InlineData("--rounds 0 is out of range; write a number from 1 to ", "--rounds", "0")]
    [InlineData("'soon' is not a duration; write a number with s, m or h,", "--for", "soon")]
    [InlineData("Give --rounds or --for, not both.", "--for", "10m", "--rounds", "3")]
    [InlineData("--bogus'; see `drctl chaos --help`.", "--bogus")]
    public async Task Bad_usage_gets_one_sentence_and_2(string sentence, params string[] arguments)
    {
        var (code, output, error) = await RunAsync(arguments);
        Assert.Equal((2, ""), (code, output));
        Assert.Contains(sentence, error, StringComparison.Ordinal);
        Assert.Single(error.TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task A_directory_that_holds_something_is_refused_and_left_alone()
    {
        Directory.CreateDirectory(Work);
        var file = Path.Combine(Work, "precious");
        await File.WriteAllTextAsync(file, "mine", TestContext.Current.CancellationToken);
        var (code, _, error) = await RunAsync("--rounds", "1");
        Assert.Equal(2, code);
        Assert.Contains($"'{Work}' is not empty", error, StringComparison.Ordinal);
        Assert.Equal("mine", await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
    }

    // Bytes of the last block change again and again, as a bad disk or a stray process would change them.
    private static async Task TamperAsync(string path, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            if (File.Exists(path) && new FileInfo(path).Length is > 0 and var length)
            {
                using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
                file.Position = length - 4096 + 17;
                var value = file.ReadByte();
                file.Position--;
                file.WriteByte((byte)(value + 1));
            }

            await Task.Delay(TimeSpan.FromMilliseconds(700), TimeProvider.System, CancellationToken.None);
        }
    }

    private async Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var code = await ChaosCommandLine.InvokeAsync(
            [.. arguments, "--dir", Work], output, error, TestContext.Current.CancellationToken);
        return (code, output.ToString(), error.ToString());
    }
}
