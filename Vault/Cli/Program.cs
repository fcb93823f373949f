using ReplicationEngine.DataPlane.DataDirectories;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Vault.Cli;
using ReplicationEngine.Vault.Serving;

// Measured with nothing protected: the service has 222 files open, the agent 102, any other command fewer; most are the
// framework's own libraries. First of all, because everything else loads some.
var least = args switch { ["serve", ..] => 320, ["agent", ..] => 160, _ => 128 };
if (!OpenFileLimit.TryRaise(least))
{
    return ExitCodes.Refused;
}

// What drctl writes is its user's alone. The programs next to it inherit the mask, and write reports for others too.
if (!SiblingPrograms.Takes(args))
{
    PrivateDirectory.OwnerOnly();
}

return await DrctlCommandLine.Build(VaultServer.RunAsync, AgentProcess.RunAsync).InvokeAsync(args,
    CancellationToken.None);
