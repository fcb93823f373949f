using ReplicationEngine.Vault.Cli;
using Xunit;

namespace ReplicationEngine.Tests.Vault.Cli;

public sealed class Replaying_logs : IDisposable
{
    private readonly RecordedVm _vm = new();
    private Drctl _drctl = new("http://127.0.0.1:1");

    public void Dispose() => _vm.Dispose();

    [Fact]
    [Trait("Req", "I17")]
    public async Task Verify_says_that_a_log_is_sound_while_a_service_has_it_open()
    {
        Assert.Equal(ExitCodes.Done, await RunAsync("journal", "verify", "--data", _vm.Data));
        Assert.Contains("10 events in 1 stream, sound", _drctl.Output, StringComparison.Ordinal);
        Assert.Empty(_drctl.Errors);

        Assert.Equal(ExitCodes.Done, await RunAsync("journal", "verify", "--data", _vm.Data, "--json"));
        Assert.True(_drctl.Json["sound"]!.GetValue<bool>());
        Assert.Equal(10, _drctl.Json["streams"]![0]!["judgedTo"]!.GetValue<long>());
    }

    [Fact]
    public async Task An_export_is_verified_imported_and_equal_and_a_flip_in_it_is_named()
    {
        var (file, copy) = (_vm.New("log"), _vm.New("copy"));
        Assert.Equal(ExitCodes.Done, await RunAsync("journal", "export", "--data", _vm.Data, "--out", file));
        Assert.Equal(ExitCodes.Done, await RunAsync("journal", "verify", "--file", file));
        Assert.Equal(ExitCodes.Done, await RunAsync("journal", "import", "--file", file, "--data", copy));
        Assert.Equal(ExitCodes.Refused, await RunAsync("journal", "import", "--file", file, "--data", copy));
        Assert.Contains("exists", _drctl.Errors, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Done, await RunAsync("journal", "diff", file, copy));
        Assert.Equal(ExitCodes.Done, await RunAsync("journal", "diff", _vm.Data, copy, "--json"));
        Assert.True(_drctl.Json["equal"]!.GetValue<bool>());

        var bytes = File.ReadAllBytes(file);
        bytes[bytes.AsSpan().IndexOf("alice"u8)] ^= 1;
        File.WriteAllBytes(_vm.New("flipped"), bytes);
        Assert.Equal(ExitCodes.Refused, await RunAsync("journal", "verify", "--file", _vm.New("flipped"), "--json"));
        var damage = _drctl.Json["damages"]![0]!;
        Assert.Equal(("protected-vm|default|web-1", 1, "protected-vm.enable-started.v1"),
            (damage["stream"]!.GetValue<string>(), damage["seq"]!.GetValue<int>(), damage["name"]!.GetValue<string>()));
        Assert.Contains("damaged", _drctl.Errors, StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Refused, await RunAsync("journal", "import", "--file", _vm.New("flipped"), "--data",
            _vm.New("never")));
        Assert.Contains("byte", _drctl.Errors, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Req", "I17")]
    public async Task Archive_moves_old_events_to_a_file_and_every_command_finds_them_there()
    {
        string[] archive = ["journal", "archive", "--data", _vm.Data, "--older-than", "1", "--at-least", "1"];
        Assert.Equal(ExitCodes.Done, await RunAsync(archive));
        Assert.Contains("No events were moved", _drctl.Output, StringComparison.Ordinal);

        _vm.Execute(
            "INSERT INTO snapshot (persistence_id, sequence_number, created) "
            + "VALUES ('protected-vm|default|web-1', 9, 0)");
        Assert.Equal(ExitCodes.Done, await RunAsync(archive));
        Assert.Contains("No events were moved", _drctl.Output, StringComparison.Ordinal);

        var later = new Drctl("http://127.0.0.1:1");
        _ = later.Time.CreateTimer(_ => { }, null, TimeSpan.FromDays(3), Timeout.InfiniteTimeSpan);
        Assert.Equal(ExitCodes.Done, await later.RunAsync(archive));
        Assert.Contains("were moved to 1 file in", later.Output, StringComparison.Ordinal);
        _vm.Execute("DELETE FROM snapshot");

        Assert.Equal(ExitCodes.Done, await RunAsync("journal", "verify", "--data", _vm.Data));
        Assert.Contains("10 events in 1 stream, sound", _drctl.Output, StringComparison.Ordinal);
        Assert.Equal(
            ExitCodes.Done, await RunAsync("journal", "show", "web-1", "--at", "6", "--data", _vm.Data, "--json"));
        Assert.Equal("finalizing", _drctl.Json["state"]!["phaseName"]!.GetValue<string>());

        var file = Assert.Single(Directory.GetFiles(_vm.Data, "*.rpj", SearchOption.AllDirectories));
        Assert.Equal(ExitCodes.Done, await RunAsync("journal", "verify", "--file", file));
        File.Delete(file);
        Assert.Equal(ExitCodes.Refused, await RunAsync("journal", "verify", "--data", _vm.Data));
        Assert.Contains(file, _drctl.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("journal", "archive", "--data", "DATA", "--older-than", "x")]
    [InlineData("journal", "archive", "--data", "DATA", "--older-than", "-1")]
    [InlineData("journal", "archive", "--data", "DATA", "--at-least", "0")]
    [InlineData("journal", "archive", "--data", "DATA", "--at-least", "x")]
    [InlineData("journal", "archive", "--data", "DATA", "--archive", "/tmp")]
    [InlineData("journal", "archive", "--postgres", "Host=/nowhere")]
    [InlineData("journal", "archive")]
    [InlineData("journal", "verify", "--data", "DATA", "--archive", "/tmp")]
    public async Task Archive_refuses_what_it_cannot_do(params string[] arguments)
    {
        Assert.Equal(
            ExitCodes.Usage, await RunAsync([.. arguments.Select(a => a == "DATA" ? _vm.Data : a)]));
        Assert.NotEmpty(_drctl.Errors);
        Assert.DoesNotContain("System.", _drctl.Errors, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Req", "I7")]
    public async Task Import_of_the_sound_part_says_what_it_leaves_out()
    {
        _vm.Execute("UPDATE journal SET message=x'00' WHERE sequence_number=8");
        var file = Path.Combine(_vm.Data, "journal.db");
        Assert.Equal(ExitCodes.Refused, await RunAsync("journal", "verify", "--data", _vm.Data));
        Assert.Equal(ExitCodes.Refused, await RunAsync("journal", "import", "--file", file, "--data", _vm.New("a")));

        Assert.Equal(
            ExitCodes.Done,
            await RunAsync("journal", "import", "--file", file, "--data", _vm.New("a"), "--sound-part"));
        Assert.Contains("7 events of 1 stream are in", _drctl.Output, StringComparison.Ordinal);
        Assert.Contains(
            "Omitted: events 8 to 10 of protected-vm|default|web-1, because of event 8 of", _drctl.Output,
            StringComparison.Ordinal);
        Assert.Equal(ExitCodes.Done, await RunAsync("journal", "verify", "--data", _vm.New("a")));

        Assert.Equal(
            ExitCodes.Done,
            await RunAsync("journal", "import", "--file", file, "--data", _vm.New("b"), "--sound-part", "--json"));
        var left = Assert.Single(_drctl.Json["leftOut"]!.AsArray())!;
        Assert.Equal(("protected-vm|default|web-1", 8, 10),
            (left["stream"]!.GetValue<string>(), left["from"]!.GetValue<int>(), left["to"]!.GetValue<int>()));
    }

    [Fact]
    [Trait("Req", "OPS-5")]
    public async Task Show_gives_the_state_after_an_event_and_refuses_one_beyond_the_end()
    {
        Assert.Equal(
            ExitCodes.Done, await RunAsync("journal", "show", "web-1", "--at", "6", "--data", _vm.Data, "--json"));
        Assert.Equal("finalizing", _drctl.Json["state"]!["phaseName"]!.GetValue<string>());
        Assert.Equal(
            "protected-vm.initial-replication-completed.v1", _drctl.Json["event"]!["type"]!.GetValue<string>());

        Assert.Equal(ExitCodes.Done, await RunAsync(
            "journal", "show", "web-1", "--at", Samples.Start.AddMinutes(7.5).ToString("O"), "--data", _vm.Data));
        Assert.Contains("after event 8", _drctl.Output, StringComparison.Ordinal);
        Assert.Contains("paused: true", _drctl.Output, StringComparison.Ordinal);

        Assert.Equal(ExitCodes.Refused, await RunAsync("journal", "show", "web-1", "--at", "11", "--data", _vm.Data));
        Assert.Contains("1 to 10", _drctl.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bisect_finds_the_first_event_and_says_when_the_condition_ceases_to_hold()
    {
        Assert.Equal(ExitCodes.Done, await RunAsync(
            "journal", "bisect", "web-1", "--when", "phase == \"protected\"", "--data", _vm.Data));
        Assert.Contains("first after event 7", _drctl.Output, StringComparison.Ordinal);
        Assert.Contains("holds from there", _drctl.Output, StringComparison.Ordinal);

        Assert.Equal(ExitCodes.Done, await RunAsync(
            "journal", "bisect", "web-1", "--when", "replication.paused", "--data", _vm.Data));
        Assert.Contains("first after event 8", _drctl.Output, StringComparison.Ordinal);
        Assert.Contains("not monotonic", _drctl.Output, StringComparison.Ordinal);
        Assert.Contains("after the events 8, 9, 10; at the end it holds", _drctl.Output, StringComparison.Ordinal);

        Assert.Equal(ExitCodes.Refused, await RunAsync(
            "journal", "bisect", "web-1", "--when", "phase == 'failedOver'", "--data", _vm.Data));
        Assert.Contains("phase was Enabling, ", _drctl.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("journal", "drctl journal --help")]
    [InlineData("journal verify", "--data DIR, --file F, or --postgres")]
    [InlineData("journal verify --data x --file y", "--data DIR, --file F, or --postgres")]
    [InlineData("journal verify --data /no/such/directory", "no journal in /no/such/directory")]
    [InlineData("journal verify --file /no/such/file", "no file /no/such/file")]
    [InlineData("journal export --data x", "--out")]
    [InlineData("journal show web-1 --data x", "drctl journal show --help")]
    [InlineData("journal diff /no/such/file /no/other", "no file /no/such/file")]
    [InlineData("journal bisect web-1 --data x --when phase==", "at character 8")]
    public async Task A_wrong_command_line_is_named_with_its_remedy(string line, string names)
    {
        Assert.Equal(ExitCodes.Usage, await RunAsync(line.Split(' ')));
        Assert.Contains(names, _drctl.Errors, StringComparison.Ordinal);
        Assert.Single(_drctl.Errors.TrimEnd().Split('\n'));
        Assert.Empty(_drctl.Output);
    }

    [Fact]
    public async Task A_name_that_is_not_there_is_refused_with_those_that_are()
    {
        Assert.Equal(ExitCodes.Refused, await RunAsync("journal", "show", "web-2", "--at", "1", "--data", _vm.Data));
        Assert.Contains("protected-vm|default|web-1", _drctl.Errors, StringComparison.Ordinal);
    }

    private Task<int> RunAsync(params string[] arguments)
    {
        _drctl = new Drctl("http://127.0.0.1:1");
        return _drctl.RunAsync(arguments);
    }
}
