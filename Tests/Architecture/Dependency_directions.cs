using System.Text.RegularExpressions;
using System.Xml.Linq;
using Xunit;

namespace ReplicationEngine.Tests.Architecture;

/// <summary>Who may know whom: the arrows of docs/STYLE.md, held against project files and usings.</summary>
public sealed class Dependency_directions
{
    private static readonly Dictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["Engine"] = [],
        ["Actors"] = ["Engine"],
        ["Persistence"] = ["Engine", "Actors"],
        ["DataPlane"] = ["Engine"],
        ["Agent"] = ["Engine", "DataPlane"],
        ["Orchestration"] = ["Engine", "DataPlane", "Agent"],
        ["Vault"] = ["Engine", "Actors", "Persistence", "DataPlane", "Agent", "Orchestration"],
        ["Simulation.Kernel"] = [],
        ["Simulation.Planner"] = ["Simulation.Kernel", "Engine", "Actors", "Persistence"],
        ["Simulation"] =
        [
            "Simulation.Kernel", "Simulation.Planner", "Engine", "Actors", "Persistence", "DataPlane", "Agent",
            "Orchestration",
        ],
        ["Witness"] = [],
        ["Chaos"] = ["Witness"],
        ["Benchmarks"] = ["Engine", "Actors", "Persistence", "DataPlane", "Agent", "Vault"],
    };

    [Fact]
    public void Each_project_refers_only_to_the_projects_below_it()
    {
        foreach (var (project, allowed) in Allowed)
        {
            var file = $"{project.Replace('.', '/')}/ReplicationEngine.{project}.csproj";
            var references = XDocument.Parse(Repository.Read(file)).Descendants("ProjectReference")
                .Select(r => r.Attribute("Include")!.Value)
                .Select(path => Regex.Match(path, @"ReplicationEngine\.([\w.]+)\.csproj").Groups[1].Value);
            Assert.All(references, r => Assert.Contains(r, allowed));
        }
    }

    [Fact]
    public void A_sample_refers_only_to_what_an_embedding_program_needs()
    {
        string[] allowed = ["Engine", "Actors", "Persistence"];
        var files = Repository.Files.Where(f => f.StartsWith("samples/") && f.EndsWith(".csproj")).ToList();
        Assert.NotEmpty(files);
        foreach (var file in files)
        {
            var references = XDocument.Parse(Repository.Read(file)).Descendants("ProjectReference")
                .Select(r => Regex.Match(r.Attribute("Include")!.Value, @"ReplicationEngine\.(\w+)\.csproj"))
                .Select(m => m.Groups[1].Value);
            Assert.All(references, r => Assert.Contains(r, allowed));
        }
    }

    [Fact]
    public void The_engine_knows_no_packages_no_tasks_and_no_input_or_output()
    {
        var project = XDocument.Parse(Repository.Read("Engine/ReplicationEngine.Engine.csproj"));
        Assert.Empty(project.Descendants("PackageReference"));
        string[] banned =
            ["System.IO", "System.Net", "System.Threading.Tasks", "Microsoft.Extensions", "TimeProvider", "Random."];
        foreach (var file in Repository.Files.Where(f => f.StartsWith("Engine/") && f.EndsWith(".cs")))
        {
            var text = Repository.Read(file);
            Assert.All(banned, word =>
                Assert.False(text.Contains(word, StringComparison.Ordinal), $"{file} knows {word}"));
            Assert.False(Regex.IsMatch(text, @"\b(async|await)\b(?! )|\bTask<|\bawait "), $"{file} is asynchronous");
        }
    }

    [Fact]
    public void Namespaces_follow_folders()
    {
        string[] parts = [.. Allowed.Keys];
        foreach (var file in Repository.Files.Where(f => f.EndsWith(".cs") && parts.Contains(f.Split('/')[0])))
        {
            var match = Regex.Match(Repository.Read(file), @"^namespace ([\w.]+);", RegexOptions.Multiline);
            if (match.Success)
            {
                var expected = "ReplicationEngine." + Path.GetDirectoryName(file)!.Replace('/', '.');
                Assert.True(match.Groups[1].Value == expected,
                    $"{file}: namespace {match.Groups[1].Value}, expected {expected}");
            }
        }
    }
}
