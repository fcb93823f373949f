namespace ReplicationEngine.Vault.Contracts.Operations;

/// <summary>
/// The permission that a user needs to request an operation. Nothing checks it yet: every holder of the service's token
/// may request any operation.
/// </summary>
public enum OperationPermission
{
    /// <summary>Read-only access.</summary>
    Read = 1,

    /// <summary>Operating protected VMs.</summary>
    Operate = 2,

    /// <summary>Deciding which VMs are protected.</summary>
    Administer = 3,
}
