namespace ReplicationEngine.Persistence.Serialization;

/// <summary>
/// The stored form of one case of a closed hierarchy: its name, its contract, and the conversions between the two.
/// </summary>
/// <param name="Name">The explicit, versioned name.</param>
/// <param name="Case">The domain's type.</param>
/// <param name="Contract">The contract's type.</param>
/// <param name="ToContract">Converts from the domain to the contract.</param>
/// <param name="FromContract">Converts from the contract to the domain. Throws <see cref="FormatException"/> when a
/// part is missing.</param>
internal sealed record StoredForm<TBase>(
    string Name, Type Case, Type Contract, Func<TBase, object> ToContract, Func<object, TBase> FromContract)
    where TBase : class
{
    /// <summary>Creates the form of a case.</summary>
    public static StoredForm<TBase> Of<TCase, TContract>(
        string name, Func<TCase, TContract> toContract, Func<TContract, TCase> fromContract)
        where TCase : TBase
        where TContract : class => new(
        name, typeof(TCase), typeof(TContract), value => toContract((TCase)value),
        contract => fromContract((TContract)contract));
}
