using System.Diagnostics;
using System.Xml.Linq;

namespace ReplicationEngine.Tests.Architecture;

/// <summary>The files of the repository, as git tracks them.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>Paths relative to the root: tracked files and new ones that git does not ignore.</summary>
    public static IReadOnlyList<string> Files { get; } = List();

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    /// <summary>The folders of the projects that a folder's project refers to.</summary>
    public static IEnumerable<string> ProjectsReferredToBy(string folder)
    {
        var file = Files.Single(f => Path.GetDirectoryName(f) == folder && f.EndsWith(".csproj"));
        return XDocument.Parse(Read(file)).Descendants("ProjectReference")
            .Select(r => Path.Combine(Root, folder, r.Attribute("Include")!.Value.Replace('\\', '/')))
            .Select(path => Path.GetRelativePath(Root, Path.GetDirectoryName(Path.GetFullPath(path))!));
    }

    private static string FindRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "ReplicationEngine.sln")))
        {
            directory = directory.Parent;
        }

        return directory?.FullName ?? throw new InvalidOperationException("The tests run outside the repository.");
    }

    private static List<string> List()
    {
        var start = new ProcessStartInfo("git", ["ls-files", "--cached", "--others", "--exclude-standard"])
        {
            WorkingDirectory = Root,
            RedirectStandardOutput = true,
        };
        using var git = Process.Start(start)!;
        var text = git.StandardOutput.ReadToEnd();
        git.WaitForExit();
        return [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(f =>
            File.Exists(Path.Combine(Root, f)))];
    }
}
