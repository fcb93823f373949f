using System.Text.RegularExpressions;
using Xunit;

namespace ReplicationEngine.Tests.Architecture;

/// <summary>A folder is a namespace.</summary>
public sealed class Namespaces
{
    [Fact]
    public void Namespaces_follow_folders()
    {
        string[] others = ["Tests", "samples", "Demo"];
        foreach (var file in Repository.Files.Where(f => f.EndsWith(".cs") && !others.Contains(f.Split('/')[0])))
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
