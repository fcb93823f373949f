using ReplicationEngine.Engine.ProtectedVms;
using System.Xml.Linq;
using ReplicationEngine.Vault.Contracts;
using ReplicationEngine.Vault.Cli;
using Xunit;

namespace ReplicationEngine.Tests.Vault.Cli;

/// <summary><c>drctl uri</c> and <c>--print</c>: what a machine needs to use the disks.</summary>
public sealed class Attaching_machines
{
    // A socket's path with everything that shells, XML and QEMU's option lists treat in a way of their own.
    private const string OddSocket = "/s ,&<>\"'$`\\;é";
    private const string OddUri = "nbd+unix:///vm1-0?socket=/s%20%2C%26%3C%3E%22%27%24%60%5C%3B%C3%A9";

    private static readonly VmView Odd = Samples.Vm() with
    {
        Source = Samples.Vm().Source with
        {
            Disks = [Samples.Disk with { Uri = OddUri }, new DiskView("/b", "nbd://[::1]:1234/vm%201", 4096)],
        },
    };

    [Fact]
    public async Task Uri_prints_one_uri_a_line_and_nothing_else()
    {
        await using var service = await FakeService.StartAsync();
        service.Vms["vm1"] = new(Odd);
        var drctl = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Done, await drctl.RunAsync("uri", "vm1"));
        Assert.Equal(($"{OddUri}\nnbd://[::1]:1234/vm%201\n", ""), (drctl.Output, drctl.Errors));
    }

    [Fact]
    public async Task Libvirt_gets_well_formed_disks_that_reconnect()
    {
        var disks = XElement.Parse($"<devices>{await PrintAsync("libvirt")}</devices>").Elements("disk").ToList();
        Assert.Equal(2, disks.Count);
        var unix = disks[0].Element("source")!;
        Assert.Equal(("nbd", "vm1-0"), ((string?)unix.Attribute("protocol"), (string?)unix.Attribute("name")));
        Assert.Equal(
            ("unix", OddSocket),
            ((string?)unix.Element("host")!.Attribute("transport"),
                (string?)unix.Element("host")!.Attribute("socket")));
        Assert.True((int)unix.Element("reconnect")!.Attribute("delay")! > 0);
        var tcp = disks[1].Element("source")!;
        Assert.Equal("vm 1", (string?)tcp.Attribute("name"));
        Assert.Equal(
            ("::1", 1234),
            ((string?)tcp.Element("host")!.Attribute("name"), (int)tcp.Element("host")!.Attribute("port")!));
        Assert.Equal(["vda", "vdb"], disks.Select(d => (string?)d.Element("target")!.Attribute("dev")));
    }

    [Fact]
    public async Task Qemu_gets_words_for_a_shell_with_its_commas_doubled()
    {
        var lines = await PrintAsync("qemu");
        Assert.Contains(
            @"-blockdev 'driver=nbd,node-name=drctl0,server.type=unix,server.path=/s ,,&<>""'\''$`\;é,export=vm1-0,"
            + "reconnect-delay=", lines, StringComparison.Ordinal);
        Assert.Contains(
            "server.type=inet,server.host=::1,server.port=1234,export=vm 1,", lines, StringComparison.Ordinal);
        Assert.Contains("-device virtio-blk,drive=drctl1\n", lines, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nbd_client_gets_one_command_a_disk()
    {
        var lines = await PrintAsync("nbd-client");
        Assert.Contains(
            @"nbd-client -unix '/s ,&<>""'\''$`\;é' /dev/nbd0 -name vm1-0 -persist", lines, StringComparison.Ordinal);
        Assert.Contains("nbd-client ::1 1234 /dev/nbd1 -name 'vm 1' -persist", lines, StringComparison.Ordinal);
        Assert.Contains($"nbdfuse vm1-0/disk.img '{OddUri}'", lines, StringComparison.Ordinal);
    }

    [Fact]
    public async Task After_a_failover_the_recovered_disks_are_meant_unless_others_are_asked_for()
    {
        await using var service = await FakeService.StartAsync();
        service.Vms["vm1"] = new(Samples.Vm(phase: "failed-over") with { Recovered = Samples.Recovered });
        var drctl = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Done, await drctl.RunAsync("uri", "vm1"));
        Assert.Equal(ExitCodes.Done, await drctl.RunAsync("uri", "vm1", "--machine", "source"));
        Assert.Equal($"{Samples.Recovered.Disks[0].Uri}\n{Samples.Disk.Uri}\n", drctl.Output);
        Assert.Equal(ExitCodes.Refused, await drctl.RunAsync("uri", "vm1", "--machine", "test"));
        Assert.Contains("has no test machine", drctl.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_source_that_takes_no_writes_is_said_to_be_so()
    {
        await using var service = await FakeService.StartAsync();
        service.Vms["vm1"] = new(Samples.Vm() with { Source = Samples.Vm().Source with { Role = SourceRole.Fenced } });
        var drctl = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Done, await drctl.RunAsync("uri", "vm1"));
        Assert.Contains("fenced", drctl.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Disks_that_are_not_served_have_no_snippet()
    {
        await using var service = await FakeService.StartAsync();
        service.Vms["vm1"] = new(Samples.Vm() with
        {
            Source = Samples.Vm().Source with { Disks = [Samples.Disk with { Uri = null }] },
        });
        var drctl = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Refused, await drctl.RunAsync("uri", "vm1", "--print", "qemu"));
        Assert.Equal("", drctl.Output);
        Assert.Contains("drctl status vm1", drctl.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Json_and_a_snippet_exclude_each_other_before_anything_is_done()
    {
        await using var service = await FakeService.StartAsync();
        var drctl = new Drctl(service.Url);
        Assert.Equal(
            ExitCodes.Usage, await drctl.RunAsync("protect", "vm1", "--disk", "/a", "--print", "qemu", "--json"));
        Assert.Equal(ExitCodes.Usage, await drctl.RunAsync("uri", "vm1", "--print", "vmware"));
        Assert.Empty(service.Received);
    }

    [Theory]
    [InlineData("nbd+unix:///x?socket=/a%0Ab")]
    [InlineData("nbd+unix:///x")]
    [InlineData("http://host/x")]
    public async Task What_no_configuration_can_hold_is_refused(string uri)
    {
        await using var service = await FakeService.StartAsync();
        service.Vms["vm1"] = new(Samples.Vm() with
        {
            Source = Samples.Vm().Source with { Disks = [Samples.Disk with { Uri = uri }] },
        });
        var drctl = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Refused, await drctl.RunAsync("uri", "vm1", "--print", "libvirt"));
    }

    [Fact]
    public async Task Protect_prints_the_snippet_in_place_of_its_answer()
    {
        await using var service = await FakeService.StartAsync();
        service.Jobs["j1"] = new(Samples.Job("protect"));
        service.Vms["vm1"] = new(Samples.Vm());
        var drctl = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Done, await drctl.RunAsync("protect", "vm1", "--disk", "/a", "--print", "libvirt"));
        Assert.Single(XElement.Parse($"<devices>{drctl.Output}</devices>").Elements("disk"));
    }

    private static async Task<string> PrintAsync(string kind)
    {
        await using var service = await FakeService.StartAsync();
        service.Vms["vm1"] = new(Odd);
        var drctl = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Done, await drctl.RunAsync("uri", "vm1", "--print", kind));
        Assert.Equal("", drctl.Errors);
        return drctl.Output;
    }
}
