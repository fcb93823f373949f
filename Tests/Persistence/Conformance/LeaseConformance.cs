using ReplicationEngine.Actors.Journaling;
using static ReplicationEngine.Tests.Persistence.Conformance.StoreHarness;

namespace ReplicationEngine.Tests.Persistence.Conformance;

/// <summary>What every lease store must do.</summary>
public abstract class LeaseConformance : IDisposable
{
    private static readonly DateTimeOffset s_end = Now.AddSeconds(30);

    private readonly StoreHarness _store;

    private protected LeaseConformance(StoreHarness store) => _store = store;

    public void Dispose()
    {
        _store.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact, Trait("Req", "I15")]
    public async Task Every_grant_has_a_newer_epoch_also_after_a_restart()
    {
        Assert.Equal(1, (await GrantAsync("a", Now)).Epoch);
        Assert.Equal(2, (await GrantAsync("a", Now)).Epoch);
        _store.Reopen();
        Assert.Equal(3, (await GrantAsync("a", Now)).Epoch);
    }

    [Fact, Trait("Req", "I15")]
    public async Task A_lease_that_holds_is_not_given_to_another()
    {
        var held = await GrantAsync("a", Now);

        Assert.Equal(new LeaseOutcome.Held(held), await AcquireAsync("b", Now.AddSeconds(29)));
        Assert.Equal(2, (await GrantAsync("b", Now.AddSeconds(30))).Epoch);
    }

    [Fact]
    public async Task A_renewed_lease_holds_longer_under_the_same_epoch()
    {
        var held = await GrantAsync("a", Now);
        var renewed = await _store.Leases.RenewAsync(held, s_end.AddSeconds(30), default);

        Assert.Equal(new LeaseOutcome.Granted(held with { ExpiresAt = s_end.AddSeconds(30) }), renewed);
        Assert.IsType<LeaseOutcome.Held>(await AcquireAsync("b", s_end));
    }

    [Fact, Trait("Req", "I15")]
    public async Task A_lease_that_was_taken_over_is_not_renewed()
    {
        var old = await GrantAsync("a", Now);
        var newer = await GrantAsync("b", s_end);

        Assert.Equal(new LeaseOutcome.Held(newer), await _store.Leases.RenewAsync(old, s_end.AddHours(1), default));
    }

    [Fact]
    public async Task A_released_lease_is_free_and_its_epochs_go_on_rising()
    {
        var held = await GrantAsync("a", Now);
        await _store.Leases.ReleaseAsync(held.Token, default);

        Assert.Equal(2, (await GrantAsync("b", Now)).Epoch);
        await _store.Leases.ReleaseAsync(held.Token, default);
        Assert.IsType<LeaseOutcome.Held>(await AcquireAsync("c", Now));
    }

    private ValueTask<LeaseOutcome> AcquireAsync(string owner, DateTimeOffset now) =>
        _store.Leases.AcquireAsync("region", owner, now, now.AddSeconds(30), default);

    private async Task<Lease> GrantAsync(string owner, DateTimeOffset now) =>
        Assert.IsType<LeaseOutcome.Granted>(await AcquireAsync(owner, now)).Lease;
}

public sealed class InMemoryLeaseTests() : LeaseConformance(new InMemoryHarness());

public sealed class SqliteLeaseTests() : LeaseConformance(new SqliteHarness());
