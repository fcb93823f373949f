namespace ReplicationEngine.Tests.Architecture;

/// <summary>Types that do what the domain must not do: what the guards of <see cref="Borders"/> are held
/// against.</summary>
internal static class Violations
{
    internal sealed class ReadsAFile
    {
        public static string Read(string path) => File.ReadAllText(path);
    }

    internal sealed class WaitsForATask
    {
        public static void Wait(Task work) => work.Wait();
    }

    internal sealed class DrawsANumber
    {
        public static int Draw() => Random.Shared.Next();
    }

    internal sealed class ReadsTheClock
    {
        public static long Now() => TimeProvider.System.GetTimestamp();
    }
}
