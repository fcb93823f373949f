using System.Diagnostics;
using System.IO.Compression;
using System.Text.Json;
using System.Xml.Linq;
using Xunit;

namespace ReplicationEngine.Tests.Architecture;

/// <summary>
/// What <c>scripts/pack</c> makes of a Release build: each library once, with all that an embedder needs to use it.
/// </summary>
public sealed class The_packages : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly string _folder = Directory.CreateTempSubdirectory("packages-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void The_solution_filter_names_the_projects_that_are_packable()
    {
        using var filter = JsonDocument.Parse(Repository.Read("Packages.slnf"));
        Assert.Equal(
            Libraries,
            filter.RootElement.GetProperty("solution").GetProperty("projects").EnumerateArray()
                .Select(project => project.GetString()!));
    }

    [Fact]
    public void A_program_of_an_embedder_needs_one_package_and_runs()
    {
        Run(Path.Combine(Repository.Root, "scripts/pack"), _folder, "--no-build");
        Assert.Equal(
            Libraries.Select(project => Path.GetFileNameWithoutExtension(project)).Order(StringComparer.Ordinal),
            Directory.GetFiles(_folder, "*.nupkg").Select(NameOf).Order(StringComparer.Ordinal));
        Assert.All(Directory.GetFiles(_folder, "*.nupkg"), IsWhole);

        Run("dotnet", "build", "samples/Embedding", "-c", "Release", "--nologo", "-v", "quiet", "-clp:NoSummary",
            "-nodeReuse:false", $"-p:FromPackages={_folder}");
        Assert.EndsWith(
            "phase Protected",
            Run(Path.Combine(_folder, "bin/Release/net10.0/embedding"), Path.Combine(_folder, "journal.db")).TrimEnd(),
            StringComparison.Ordinal);
    }

    /// <summary>The projects that say they are packed, in order.</summary>
    private static IEnumerable<string> Libraries => Repository.Files
        .Where(file => file.EndsWith(".csproj", StringComparison.Ordinal)
            && Repository.Read(file).Contains("<IsPackable>true</IsPackable>", StringComparison.Ordinal))
        .Order(StringComparer.Ordinal);

    private static void IsWhole(string package)
    {
        Assert.True(File.Exists(Path.ChangeExtension(package, ".snupkg")), $"{package} has no symbols");
        using var archive = ZipFile.OpenRead(package);
        var name = NameOf(package);
        Assert.NotNull(archive.GetEntry($"lib/net10.0/{name}.xml"));
        Assert.NotNull(archive.GetEntry("README.md"));
        var metadata = MetadataOf(archive);
        string? Text(string element) => metadata.Elements().FirstOrDefault(e => e.Name.LocalName == element)?.Value;
        Assert.Equal("Apache-2.0", Text("license"));
        Assert.NotEmpty(Text("description")!);
        Assert.All(
            metadata.Descendants().Where(e => e.Name.LocalName == "dependency"
                && e.Attribute("id")!.Value.StartsWith("ReplicationEngine.", StringComparison.Ordinal)),
            e => Assert.Equal(Text("version"), e.Attribute("version")!.Value));
    }

    private static XElement MetadataOf(ZipArchive package)
    {
        using var stream = package.Entries.Single(e => e.Name.EndsWith(".nuspec", StringComparison.Ordinal)).Open();
        return XDocument.Load(stream).Root!.Elements().Single();
    }

    /// <summary>The package's name: its file's name up to the version.</summary>
    private static string NameOf(string package) => string.Join('.', Path.GetFileNameWithoutExtension(package)
        .Split('.').TakeWhile(part => !char.IsAsciiDigit(part[0])));

    private static string Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = Repository.Root,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        // A build server of these would outlive the tests.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["UseSharedCompilation"] = "false";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Patience))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{program} did not end within {Patience}");
        }

        Assert.True(process.ExitCode == 0, $"{program}: {output.Result}\n{errors.Result}");
        return output.Result;
    }
}
