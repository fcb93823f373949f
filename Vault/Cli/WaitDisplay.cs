using ReplicationEngine.Vault.Contracts;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace ReplicationEngine.Vault.Cli;

/// <summary>
/// Shows a wait on stderr. A terminal shows steps and a bar. Other outputs get plain lines, at most one every two
/// seconds, and only when something noticeable has changed or half a minute has passed.
/// </summary>
internal abstract class WaitDisplay
{
    /// <summary>Returns the display that suits <paramref name="surroundings"/>.</summary>
    public static WaitDisplay For(CliSurroundings surroundings) => surroundings.ErrorWidth is { } width
        ? new Live(surroundings, width)
        : new Lines(surroundings);

    /// <summary>Runs <paramref name="wait"/> and shows each state that it reports.</summary>
    public abstract Task<WaitState> RunAsync(Func<Action<WaitState>, Task<WaitState>> wait);

    /// <summary>
    /// The disks to which the machine can be attached already while <c>protect</c> continues; empty before that.
    /// </summary>
    private static IEnumerable<DiskView> Attachable(WaitState state) =>
        state.Job.Kind is "protect" or "initial-replication"
            && OperationCommands.AllServed(state.Vm?.Source.Disks) ? state.Vm!.Source.Disks : [];

    private sealed class Lines(CliSurroundings surroundings) : WaitDisplay
    {
        private const double NoticeablePercent = 5;
        private static readonly TimeSpan Spacing = TimeSpan.FromSeconds(2);
        private static readonly TimeSpan SignOfLife = TimeSpan.FromSeconds(30);
        private DateTimeOffset _next = surroundings.Time.GetUtcNow() + (Spacing / 2);
        private DateTimeOffset _stale = DateTimeOffset.MinValue;
        private (string Where, double Percent) _shown = (string.Empty, 0);
        private bool _attached;

        public override Task<WaitState> RunAsync(Func<Action<WaitState>, Task<WaitState>> wait) => wait(Show);

        private void Show(WaitState state)
        {
            if (!_attached && Attachable(state).ToList() is { Count: > 0 } disks)
            {
                _attached = true;
                disks.ForEach(d => surroundings.Error.WriteLine(
                    Readable.Plain($"{state.Job.Vm}: {d.Path} is served at {d.Uri}")));
            }

            var now = surroundings.Time.GetUtcNow();
            if (state.Ended || now < _next)
            {
                return;
            }

            var seen = (state.Where, state.Vm?.Progress?.Percent ?? 0);
            if (seen.Where != _shown.Where || Math.Abs(seen.Item2 - _shown.Percent) >= NoticeablePercent
                || now >= _stale)
            {
                (_shown, _next, _stale) = (seen, now + Spacing, now + SignOfLife);
                surroundings.Error.WriteLine(state.Line);
            }
        }
    }

    private sealed class Live(CliSurroundings surroundings, int width) : WaitDisplay
    {
        public override Task<WaitState> RunAsync(Func<Action<WaitState>, Task<WaitState>> wait)
        {
            var console = Pages.Console(surroundings.Error, width);
            return console.Live(new Text(string.Empty)).StartAsync(context => wait(state =>
            {
                context.UpdateTarget(Screen(state, surroundings.Time.GetUtcNow(), width));
                context.Refresh();
            }));
        }
    }

    /// <summary>Returns the steps with ticks, the bar, and the disks that can be attached.</summary>
    internal static IRenderable Screen(WaitState state, DateTimeOffset now, int width)
    {
        var rows = new List<IRenderable>();
        var job = state.Job;
        rows.Add(Row($"{WaitState.Mark(job.State)} {job.Vm}: {job.Kind} "
            + $"{WaitState.Took(job.StartedAt, job.EndedAt, now)}", job.State));
        foreach (var step in job.Steps)
        {
            var detail = step.Detail is { Length: > 0 } text ? $" – {text}" : string.Empty;
            var took = WaitState.Took(step.StartedAt, step.EndedAt, now);
            rows.Add(Row($"  {WaitState.Mark(step.State)} {step.Name} {took}{detail}", step.State));
        }

        if (!state.Ended && state.Vm?.Progress is { } progress)
        {
            var text = WaitState.ProgressText(progress);
            rows.Add(Row($"  {Readable.Bar(progress.Percent, Math.Clamp(width - text.Length - 5, 8, 40))} {text}",
                "running"));
        }

        rows.AddRange(Attachable(state).Select(d => Row($"  {d.Path} is served at {d.Uri}", "succeeded")));
        if ((state.Trouble ?? state.Obstacle) is { } trouble)
        {
            rows.Add(Row($"  {trouble}", "failed"));
        }

        return new Rows(rows);
    }

    private static Text Row(string text, string state) => new(Readable.Plain(text), state switch
    {
        "succeeded" => new Style(Color.Green),
        "failed" => new Style(Color.Red),
        "running" => Style.Plain,
        _ => new Style(Color.Grey),
    });
}
