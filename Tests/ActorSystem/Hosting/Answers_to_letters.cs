using Akka.Actor;
using ReplicationEngine.Actors.Hosting;
using Xunit;

namespace ReplicationEngine.Tests.ActorSystem.Hosting;

/// <summary>Where the answer to a letter goes.</summary>
public sealed class Answers_to_letters : EngineTestKit
{
    private IActorRefProvider Provider => ((ExtendedActorSystem)Sys).Provider;

    [Fact]
    public async Task The_first_message_is_the_answer_and_later_ones_are_nothing()
    {
        var answer = new AnswerRef(Provider);
        answer.Tell("first", ActorRefs.NoSender);
        answer.Tell("second", ActorRefs.NoSender);
        Assert.Equal("first", await answer.Answer);
    }

    [Fact]
    public async Task Its_path_is_always_the_same_and_leads_to_it()
    {
        var answer = new AnswerRef(Provider);
        var path = answer.Path;
        Assert.Equal(path, answer.Path);
        Assert.NotEqual(path, new AnswerRef(Provider).Path);

        // As a letter from another node finds it.
        Provider.ResolveActorRef(path.ToSerializationFormat()).Tell("by its path", ActorRefs.NoSender);
        Assert.Equal("by its path", await answer.Answer);
    }

    [Fact]
    public async Task Nothing_leads_to_it_once_nobody_waits_whether_or_not_it_had_a_path_before()
    {
        var (known, unknown) = (new AnswerRef(Provider), new AnswerRef(Provider));
        var path = known.Path;
        known.Release();
        unknown.Release();
        foreach (var one in new[] { path, unknown.Path })
        {
            var found = Provider.ResolveActorRef(one.ToSerializationFormat());
            Assert.Null((await found.Ask<ActorIdentity>(new Identify(null), TimeSpan.FromSeconds(30))).Subject);
        }
    }
}
