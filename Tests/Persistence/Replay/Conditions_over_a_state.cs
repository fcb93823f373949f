using System.Text.Json.Nodes;
using FsCheck.Fluent;
using ReplicationEngine.Persistence.Replay;
using ReplicationEngine.Tests.TestKit.Properties;

namespace ReplicationEngine.Tests.Persistence.Replay;

public sealed class Conditions_over_a_state
{
    private static readonly JsonObject State = (JsonObject)JsonNode.Parse("""
        {"phase":{"$type":"CommitPending","recovery":{"exports":2}},"health":"critical","term":3,"finalized":true,
         "points":[{"id":"a","time":"2026-01-31T12:00:00+00:00","age":"01:30:00"},{"id":"b"}],"causes":[]}
        """)!;

    [Theory]
    [InlineData("phase == \"commitPending\"", true)]
    [InlineData("phase == 'commit-pending'", true)]
    [InlineData("phase != 'protected'", true)]
    [InlineData("phase.recovery.exports >= 2", true)]
    [InlineData("points.count > 3", false)]
    [InlineData("points.count == 2 and causes.count == 0", true)]
    [InlineData("points[0].id == 'a' && points[-1].id == 'b'", true)]
    [InlineData("points[7].id == null", true)]
    [InlineData("points[0].time < '2026-01-31T12:30:00+01:00'", false)]
    [InlineData("points[0].time < '2026-01-31T14:00:00+00:00'", true)]
    [InlineData("points[0].age > '01:00'", true)]
    [InlineData("health == \"critical\" or term < 1", true)]
    [InlineData("not health == 'critical' || term == 3.0", true)]
    [InlineData("!(finalized and health == 'critical')", false)]
    [InlineData("finalized", true)]
    [InlineData("fenceSince", false)]
    [InlineData("fenceSince == null", true)]
    [InlineData("term == '3'", false)]
    [InlineData("health contains 'rit'", true)]
    [InlineData("term < 5 and term > -1", true)]
    public void Hold_or_do_not(string text, bool holds) => Assert.Equal(holds, StateCondition.Parse(text).Holds(State));

    [Theory]
    [InlineData("", 1, "the text ends")]
    [InlineData("phase ==", 9, "the text ends")]
    [InlineData("phase = 'x'", 7, "write '=='")]
    [InlineData("phase == 'x", 10, "has no closing quote")]
    [InlineData("(term > 1", 10, "')' is missing")]
    [InlineData("term > 1 term", 10, "'t' is unexpected")]
    [InlineData("points[x]", 8, "an integer")]
    [InlineData("points. ", 8, "a member name")]
    [InlineData("term > 1.2.3", 8, "not a number")]
    [InlineData("term > #", 8, "not '#'")]
    public void That_are_none_are_refused_with_the_place(string text, int at, string what)
    {
        var exception = Assert.Throws<ConditionException>(() => StateCondition.Parse(text));
        Assert.Equal(at, exception.At + 1);
        Assert.Contains(what, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_any_text_are_read_or_refused_and_never_anything_else() => Laws.Hold(
        500,
        Prop.ForAll(
            Laws.Sequences(Gen.Elements(
                "phase", "points", ".", "count", "[", "-1", "]", "==", "=", "!", "(", ")", "and", "or", " ", "'", "\"",
                "\\", "3", "null", "contains", "<", "é", "\0")),
            words =>
            {
                try
                {
                    StateCondition.Parse(string.Concat(words.Items)).Holds(State);
                }
                catch (ConditionException exception)
                {
                    Assert.InRange(exception.At, 0, string.Concat(words.Items).Length);
                }
            }));

    [Fact]
    public void Nested_too_deep_are_refused() =>
        Assert.Throws<ConditionException>(() => StateCondition.Parse(new string('(', 100_000)));
}
