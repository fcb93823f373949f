using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.FSharp.Core;
using Xunit;

namespace ReplicationEngine.Tests.TestKit.Properties;

/// <summary>
/// Runs properties. A failure prints the shrunk counterexample and the seed; with the environment variable
/// FSCHECK_REPLAY set to that seed (<c>a,b</c> or <c>a,b,size</c>) the same values are tried again.
/// </summary>
public static class Laws
{
    private const string ReplayVariable = "FSCHECK_REPLAY";

    /// <summary>The property holds for so many random values.</summary>
    public static void Hold(int tests, Property law)
    {
        if (Run(tests, law) is { } failure)
        {
            Assert.Fail(failure);
        }
    }

    /// <summary>
    /// The property does not hold, as it must not for something deliberately broken; returns what a failing test would
    /// print.
    /// </summary>
    public static string Fail(int tests, Property law)
    {
        var failure = Run(tests, law);
        Assert.True(failure is not null, $"Nothing was found to be broken in {tests} tests.");
        return failure;
    }

    /// <summary>Steps of any number; they shrink to a half, to the other, and by each single step.</summary>
    public static Arbitrary<Steps<T>> Sequences<T>(Gen<T> items) =>
        Arb.From(items.ListOf().Select(list => new Steps<T>(list)), Shorter);

    /// <summary>Steps as in <see cref="Sequences{T}(Gen{T})"/>, with an upper limit.</summary>
    public static Arbitrary<Steps<T>> Sequences<T>(Gen<T> items, int most) => Arb.From(
        Gen.Choose(0, most).SelectMany(count => items.ListOf(count)).Select(list => new Steps<T>(list)), Shorter);

    private static IEnumerable<Steps<T>> Shorter<T>(Steps<T> steps)
    {
        var items = steps.Items;
        if (items.Count > 3)
        {
            yield return new Steps<T>(items.Take(items.Count / 2));
            yield return new Steps<T>(items.Skip(items.Count / 2));
        }

        for (var i = 0; i < items.Count; i++)
        {
            yield return new Steps<T>(items.Where((_, index) => index != i));
        }
    }

    // What FsCheck says, without the values it began with: the seed, what does not hold, and the shrunk steps.
    private static string? Run(int tests, Property law)
    {
        try
        {
            Check.One(Configuration(tests), law);
            return null;
        }
        catch (Exception exception) when (exception.Message.StartsWith("Falsifiable", StringComparison.Ordinal))
        {
            var said = exception.Message;
            var from = said.IndexOf("\nOriginal:", StringComparison.Ordinal);
            var to = said.IndexOf("\nShrunk:", StringComparison.Ordinal);
            said = from >= 0 && to > from ? said[..from] + said[to..] : said;
            return string.Join(
                '\n', said.Split('\n').Where(line => !line.StartsWith("   at ", StringComparison.Ordinal)));
        }
    }

    private static Config Configuration(int tests)
    {
        var config = Config.QuickThrowOnFailure.WithMaxTest(tests).WithQuietOnSuccess(true);
        if (Environment.GetEnvironmentVariable(ReplayVariable) is not { Length: > 0 } seed)
        {
            return config;
        }

        var parts = seed.Trim('(', ')').Split(',');
        var rnd = new Rnd(
            ulong.Parse(parts[0], CultureInfo.InvariantCulture), ulong.Parse(parts[1], CultureInfo.InvariantCulture));
        var size = parts.Length > 2
            ? FSharpOption<int>.Some(int.Parse(parts[2], CultureInfo.InvariantCulture)) : FSharpOption<int>.None;
        return config.WithReplay(FSharpOption<Replay>.Some(new Replay(rnd, size)));
    }
}

/// <summary>A list of steps that reads as such.</summary>
public sealed class Steps<T>(IEnumerable<T> items)
{
    /// <summary>The steps, in order.</summary>
    public IReadOnlyList<T> Items { get; } = [.. items];

    /// <inheritdoc/>
    public override string ToString() => Items.Count == 0 ? "given nothing more"
        : string.Concat(Items.Select((item, index) => $"\n{(index == 0 ? "when" : " and")} {item}"));
}
