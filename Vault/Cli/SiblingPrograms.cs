using System.ComponentModel;
using System.Runtime.InteropServices;

namespace ReplicationEngine.Vault.Cli;

/// <summary>
/// Commands that are programs of their own, published in directories next to drctl, because programs that test the
/// engine are kept apart from those that protect machines. The program takes this process's place (<c>execv</c>), so
/// that signals, the terminal and the exit code are its own.
/// </summary>
internal static partial class SiblingPrograms
{
    private static readonly (string Command, string Program, string Description)[] All =
    [
        ("simulate", "drctl-simulate",
            "Predict the effects of an outage, or test the engine in a simulated world"),
        ("chaos", "drctl-chaos",
            "Test a real service and agent under injected failures"),
    ];

    /// <summary>The commands and their descriptions, for the list of commands.</summary>
    public static IEnumerable<(string Command, string Description)> Commands =>
        All.Select(known => (known.Command, known.Description));

    /// <summary>Returns whether a command line belongs to another program.</summary>
    public static bool Takes(IReadOnlyList<string> arguments) =>
        arguments.Count > 0 && All.Any(known => known.Command == arguments[0]);

    /// <summary>
    /// Replaces the process with the program of the first argument, which gets the other arguments. Returns only by an
    /// exception.
    /// </summary>
    /// <param name="arguments">The command line, for which <see cref="Takes"/> is true.</param>
    /// <param name="directory">The directory of drctl.</param>
    /// <exception cref="CommandFailedException">The program does not exist, or cannot be started.</exception>
    public static void Become(IReadOnlyList<string> arguments, string directory)
    {
        var (command, name, _) = All.First(known => known.Command == arguments[0]);
        var path = Path.Combine(directory, command, name);
        if (!File.Exists(path))
        {
            throw CommandFailedException.Refused(
                $"drctl {command} is a separate program, and {path} is not there; run `./drctl {command}` from the "
                + "repository, which builds it.");
        }

        string?[] all = [path, .. arguments.Skip(1), null];
        _ = Execute(path, all);
        throw CommandFailedException.Refused(
            $"{path} cannot be started: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}.");
    }

    [LibraryImport("libc", EntryPoint = "execv", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Execute(string path, string?[] arguments);
}
