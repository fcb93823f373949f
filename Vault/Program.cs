using ReplicationEngine.Agent.Hosting;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Vault.Cli;
using ReplicationEngine.Vault.Serving;

// What drctl writes is its user's alone. The programs beside it inherit the mask, and write reports for others too.
if (!SiblingPrograms.Takes(args))
{
    PrivateDirectory.OwnerOnly();
}

// Measured with nothing protected: the service has 222 files open, the agent 102, any other command fewer; most are the
// framework's own libraries.
var least = args switch { ["serve", ..] => 320, ["agent", ..] => 160, _ => 128 };
return OpenFileLimit.TryRaise(least)
    ? await DrctlCommandLine.Build(VaultServer.RunAsync, AgentProcess.RunAsync).InvokeAsync(args, CancellationToken.None)
    : ExitCodes.Refused;
