using ReplicationEngine.DataPlane.DataDirectories;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Vault.Cli;
using ReplicationEngine.Vault.Serving;

// Measured with nothing protected: the service has 222 files open, the agent 102, any other command fewer; most are the
// framework's own libraries. The limit is raised first, because all other work loads some of them.
var least = args switch { ["serve", ..] => 320, ["agent", ..] => 160, _ => 128 };
if (!OpenFileLimit.TryRaise(least))
{
    return ExitCodes.Refused;
}

// Files that drctl writes are readable by its user alone. Sibling programs are exempt: they would
// inherit the mask, and they also write reports for other users.
if (!SiblingPrograms.Takes(args))
{
    PrivateDirectory.OwnerOnly();
}

return await DrctlCommandLine.Build(VaultServer.RunAsync, AgentProcess.RunAsync).InvokeAsync(args,
    CancellationToken.None);
