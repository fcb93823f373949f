using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Tests.Actors.Entities;

[Trait("Req", "I19")]
public sealed class A_window_of_commands
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(6)]
    [InlineData(10)]
    public void It_keeps_the_answers_given_last_oldest_first(int capacity)
    {
        var window = new CommandWindow(capacity);
        for (var i = 1; i <= 25; i++)
        {
            window.Remember(CoreDriver.Command(i), new CommandReply.Accepted(i), $"{i}");

            Assert.Equal(i <= capacity, window.CoversStream);
            var first = Math.Max(1, i - capacity + 1);
            Assert.Equal(
                Enumerable.Range(first, i - first + 1).Select(number => (long)number),
                window.Accepted().Select(record => record.LastSequence));
            Assert.Equal(i > capacity, window.Find(CoreDriver.Command(1)) is null);
        }
    }

    [Fact]
    public void The_later_answer_to_an_id_takes_the_place_of_the_earlier()
    {
        var window = new CommandWindow(2);
        window.Remember(CoreDriver.Command(1), new CommandReply.Accepted(1), "one");
        window.Remember(CoreDriver.Command(2), new CommandReply.Accepted(2), null);
        window.Remember(CoreDriver.Command(1), new CommandReply.Accepted(3), "two");

        Assert.True(window.CoversStream);
        Assert.Equal((new CommandReply.Accepted(3), "two"), window.Find(CoreDriver.Command(1)));
        Assert.Equal(2, window.Accepted().Count);
    }

    [Fact]
    public void Refusals_stay_behind_when_it_is_taken_along()
    {
        var window = new CommandWindow(3);
        window.Remember(CoreDriver.Command(1), new CommandReply.Refused(new CommandIdReused(new CommandId())), null);
        window.Remember(CoreDriver.Command(2), new CommandReply.Accepted(2), "two");

        var other = new CommandWindow(3);
        other.Restore(window.Accepted(), window.CoversStream);

        Assert.Null(other.Find(CoreDriver.Command(1)));
        Assert.Equal((new CommandReply.Accepted(2), "two"), other.Find(CoreDriver.Command(2)));
        Assert.True(other.CoversStream);
    }

    [Fact]
    public void One_that_is_too_small_for_what_it_takes_over_does_not_claim_to_know_all()
    {
        var window = new CommandWindow(3);
        window.Remember(CoreDriver.Command(1), new CommandReply.Accepted(1), null);
        window.Remember(CoreDriver.Command(2), new CommandReply.Accepted(2), null);

        var other = new CommandWindow(1);
        other.Restore(window.Accepted(), window.CoversStream);

        Assert.False(other.CoversStream);
        Assert.Null(other.Find(CoreDriver.Command(1)));
    }
}
