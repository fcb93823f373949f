using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Vault.Cli;
using ReplicationEngine.Vault.Serving;

// What drctl writes is its user's alone. The programs beside it inherit the mask, and write reports for others too.
if (!SiblingPrograms.Takes(args))
{
    PrivateFile.OwnerOnly();
}

return await DrctlCommandLine.Build(VaultServer.RunAsync, AgentProcess.RunAsync).InvokeAsync(args,
    CancellationToken.None);
