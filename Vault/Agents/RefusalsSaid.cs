using ReplicationEngine.Orchestration.Sources;

namespace ReplicationEngine.Vault.Agents;

/// <summary>
/// Decides which refusals of agents are logged: the first one of a caller, and one every ten minutes while refusals
/// continue. A caller is identified by its key, host and address without the port, because every attempt comes from
/// another port and may come from another process. Safe to use from several tasks.
/// </summary>
internal sealed class RefusalsSaid(TimeProvider time)
{
    /// <summary>The most callers that are logged separately for one name within ten minutes.</summary>
    public const int MostCallers = 16;

    private static readonly TimeSpan AgainAfter = TimeSpan.FromMinutes(10);
    private readonly Lock _guard = new();
    private readonly Dictionary<string, Dictionary<Caller, long>> _said = new(StringComparer.Ordinal);

    /// <summary>Returns whether the refusal of a caller is to be logged now.</summary>
    /// <param name="claim">The caller, with the name that it claims.</param>
    /// <param name="code">The refusal's code.</param>
    public bool IsWorthSaying(AgentClaim claim, string code)
    {
        lock (_guard)
        {
            if (!_said.TryGetValue(claim.Agent, out var callers))
            {
                _said[claim.Agent] = callers = [];
            }

            foreach (var old in callers.Where(c => time.GetElapsedTime(c.Value) >= AgainAfter).ToList())
            {
                callers.Remove(old.Key);
            }

            return callers.Count < MostCallers && callers.TryAdd(
                new Caller(code, claim.Key, claim.Process.Host, WithoutPort(claim.Address)), time.GetTimestamp());
        }
    }

    /// <summary>Forgets the refusals for a name that has its agent again, so that the next refusal is logged.</summary>
    public void Forget(string agent)
    {
        lock (_guard)
        {
            _said.Remove(agent);
        }
    }

    // The last colon precedes the port in IPv4 and IPv6 alike.
    private static string WithoutPort(string address) =>
        address.LastIndexOf(':') is >= 0 and var colon ? address[..colon] : address;

    private readonly record struct Caller(string Code, string Key, string Host, string Address);
}
