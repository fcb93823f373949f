using System.Security.Cryptography;

namespace ReplicationEngine.Agent.Hosting;

/// <summary>
/// The pauses between calls to the service: 0.25, 0.5, 1, 2 … 15 s, each shortened by up to a half at random so that
/// many agents do not call at once; a call that lasted starts them again.
/// </summary>
internal sealed class ReconnectPauses
{
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Lasted = TimeSpan.FromSeconds(10);
    private TimeSpan _next = First;

    /// <summary>Pauses after a call that lasted so long.</summary>
    public async Task WaitAsync(TimeSpan lasted, TimeProvider time, CancellationToken cancellationToken)
    {
        if (lasted >= Lasted)
        {
            _next = First;
        }

        const int parts = 1000;
        var pause = _next * (1 - (RandomNumberGenerator.GetInt32(parts) / 2.0 / parts));
        _next = _next * 2 > Longest ? Longest : _next * 2;
        await Task.Delay(pause, time, cancellationToken);
    }
}
