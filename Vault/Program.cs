using ReplicationEngine.Vault.Cli;
using ReplicationEngine.Vault.Serving;

return await DrctlCommandLine.Build(VaultServer.RunAsync, AgentProcess.RunAsync).InvokeAsync(args,
    CancellationToken.None);
