namespace ReplicationEngine.Vault.Contracts.Operations;

/// <summary>What a user has to be allowed in order to ask for an operation. Nothing checks it yet: whoever has the
/// service's token may ask for everything.</summary>
public enum OperationPermission
{
    /// <summary>Looking only.</summary>
    Read = 1,

    /// <summary>Operating VMs that are protected.</summary>
    Operate = 2,

    /// <summary>Deciding which VMs are protected.</summary>
    Administer = 3,
}
