using System.Globalization;
using ReplicationEngine.Actors.Clustering;
using ReplicationEngine.Chaos.Witness.Processes;
using ReplicationEngine.Tests.TestKit;

namespace ReplicationEngine.Tests.Actors.Clustering;

/// <summary>A node in a process of its own, which sends commands to all counters (Tests/ClusterNode).</summary>
internal sealed class NodeProcess : IDisposable
{
    /// <summary>The exit code of a node that the others have removed.</summary>
    public const int Removed = 3;

    private static readonly string s_program =
        Path.Combine(AppContext.BaseDirectory, "ReplicationEngine.ClusterNode");

    private readonly string _cuts;
    private readonly Func<ChildProcess> _start;
    private readonly List<ChildProcess> _lives = [];

    /// <param name="connection">The database.</param>
    /// <param name="number">The number of the node, which is also its host 127.0.0.N.</param>
    /// <param name="counters">The number of counters.</param>
    /// <param name="directory">The directory of the file that says whom the node is cut off from.</param>
    /// <param name="addresses">The addresses of all nodes, in the order of their numbers.</param>
    public NodeProcess(string connection, int number, int counters, string directory, NodeAddress[] addresses)
    {
        Address = addresses[number - 1];
        _cuts = Path.Combine(directory, $"cuts-{number}");
        _start = () =>
        {
            // A process never repeats the numbers of its predecessor.
            var life = string.Create(CultureInfo.InvariantCulture, $"{(number * 10) + _lives.Count}");
            return ChildProcess.Start(
                s_program,
                [
                    connection, $"node-{number}", life, counters.ToString(CultureInfo.InvariantCulture), _cuts,
                    Address.ToString(), .. addresses.Where(other => other != Address).Select(other => other.ToString()),
                ]);
        };
    }

    public NodeAddress Address { get; }

    public ChildProcess Now => _lives[^1];

    /// <summary>The commands whose senders were told that they are accepted.</summary>
    public IEnumerable<(string Counter, int Number)> Accepted => _lives.SelectMany(AcceptedBy);

    /// <summary>Starts the process and waits until it is a member.</summary>
    public Task StartAsync()
    {
        _lives.Add(_start());
        return HoldsWhileItLivesAsync(() => Lines(Now).Contains("up", StringComparer.Ordinal));
    }

    /// <summary>Waits until the senders of the present process have had some more commands accepted.</summary>
    public Task WorksAsync(int commands)
    {
        var before = AcceptedBy(Now).Count();
        return HoldsWhileItLivesAsync(() => AcceptedBy(Now).Count() >= before + commands);
    }

    /// <summary>Cuts the node off from others, in both directions.</summary>
    public void CutFrom(params NodeProcess[] others) =>
        File.WriteAllText(_cuts, string.Join('\n', others.Select(other => other.Address)));

    public void Dispose() => _lives.ForEach(life => life.Dispose());

    private Task HoldsWhileItLivesAsync(Func<bool> condition) => Eventually.HoldsAsync(() =>
    {
        var ended = Now.HasExited;
        var holds = condition();
        Assert.True(holds || !ended, $"The node at {Address} ended: {Now.Errors}");
        return holds;
    });

    private static string[] Lines(ChildProcess life) => life.Output.Split('\n');

    private static IEnumerable<(string Counter, int Number)> AcceptedBy(ChildProcess life) =>
        from line in Lines(life)
        where line.StartsWith("ack ", StringComparison.Ordinal)
        let parts = line.Split(' ')
        select (parts[1], int.Parse(parts[2], CultureInfo.InvariantCulture));
}
