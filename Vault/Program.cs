using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Vault.Cli;
using ReplicationEngine.Vault.Serving;

// Measured with nothing protected: the service has 222 files open, the agent 102, any other command fewer; most are the
// framework's own libraries.
var least = args switch { ["serve", ..] => 320, ["agent", ..] => 160, _ => 128 };
return OpenFileLimit.TryRaise(least)
    ? await DrctlCommandLine.Build(VaultServer.RunAsync, AgentProcess.RunAsync).InvokeAsync(args, CancellationToken.None)
    : ExitCodes.Refused;
