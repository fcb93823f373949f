using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using ReplicationEngine.Chaos.Checks;
using ReplicationEngine.Chaos.Sites;
using ReplicationEngine.Chaos.Witness.Nbd;
using ReplicationEngine.Chaos.Witness.Writes;

namespace ReplicationEngine.Chaos.Machines;

/// <summary>The place where a machine runs.</summary>
internal enum Place
{
    /// <summary>The machine runs on the source's disks.</summary>
    Source,

    /// <summary>The machine runs on the recovered disks.</summary>
    Target,
}

/// <summary>
/// A protected VM as an outside observer knows it: its disks before the first write, the writes acknowledged since, the
/// place where it runs, and the contents of its recovery points when they were first read.
/// </summary>
internal sealed class Machine : IDisposable
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(4);
    private const int Depth = 4;
    private const long NumbersOfAMachine = 1L << 40;

    private readonly TwoSites _sites;
    private readonly Ledger _ledger;
    private readonly int _seed;
    private int _lives;

    private Machine(TwoSites sites, Ledger ledger, int index, IReadOnlyList<string> disks, int seed)
    {
        (_sites, _ledger, _seed, Disks, Name) = (sites, ledger, seed, disks, $"vm{index + 1}");
        Bases = SourceImages();
        Writer = new NumberedWriter(seed, Depth, TimeProvider.System, Pace) { After = index * NumbersOfAMachine };
    }

    /// <summary>The VM's name.</summary>
    public string Name { get; }

    /// <summary>The paths of the VM's disks at the source.</summary>
    public IReadOnlyList<string> Disks { get; }

    /// <summary>The disks before the first write of <see cref="Writer"/>.</summary>
    public IReadOnlyList<byte[]> Bases { get; private set; }

    /// <summary>The writer, which also records its writes.</summary>
    public NumberedWriter Writer { get; private set; }

    /// <summary>The place where the machine runs.</summary>
    public Place Place { get; private set; } = Place.Source;

    /// <summary>The start of the machine's current incarnation; older points belong to an earlier one.</summary>
    public DateTimeOffset Began { get; private set; } = TimeProvider.System.GetUtcNow();

    /// <summary>The contents of the VM's points, by id: one hash for all disks.</summary>
    public Dictionary<string, string> Points { get; } = new(StringComparer.Ordinal);

    /// <summary>The lock for starting, stopping or checking the machine.</summary>
    public SemaphoreSlim Turn { get; } = new(1, 1);

    /// <summary>Whether the machine is meant to write; otherwise it rests.</summary>
    public bool IsMeantToWrite { get; private set; }

    /// <summary>Makes the disks: every third 64 KiB zero, the rest random.</summary>
    /// <param name="sites">The sites.</param>
    /// <param name="ledger">The ledger that counts the checks.</param>
    /// <param name="index">The VM's number, from 0.</param>
    /// <param name="shape">The number of disks, and the bytes of each.</param>
    /// <param name="seed">The seed of the contents and of the writes.</param>
    public static Machine Make(TwoSites sites, Ledger ledger, int index, (int Disks, int Bytes) shape, int seed)
    {
        var own = unchecked((seed * 131) + index);
        var paths = new List<string>();
        for (var disk = 0; disk < shape.Disks; disk++)
        {
            var bytes = new byte[shape.Bytes];
            new Random(unchecked((own * 17) + disk)).NextBytes(bytes);
            for (var at = 0; at < bytes.Length; at += 3 << 16)
            {
                bytes.AsSpan(at, Math.Min(1 << 16, bytes.Length - at)).Clear();
            }

            paths.Add(Path.Combine(sites.Source, $"vm{index + 1}-{disk}.img"));
            File.WriteAllBytes(paths[^1], bytes);
        }

        return new Machine(sites, ledger, index, paths, own & 0xFFFFF);
    }

    /// <summary>
    /// Returns the URIs of the disks in a part of the service's response; null unless all are served.
    /// </summary>
    public static IReadOnlyList<string>? Uris(JsonNode? part)
    {
        var disks = part?["disks"]?.AsArray();
        var uris = disks?.Select(disk => (string?)disk!["uri"]).OfType<string>().ToList();
        return uris is { Count: > 0 } && uris.Count == disks!.Count ? uris : null;
    }

    /// <summary>Returns one hash over all images.</summary>
    public static string Hash(IReadOnlyList<byte[]> images)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var image in images)
        {
            hash.AppendData(image);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Reads the source's disks from their files, bypassing the agent.</summary>
    public IReadOnlyList<byte[]> SourceImages() => [.. Disks.Select(File.ReadAllBytes)];

    /// <summary>Returns the URIs of the disks that the machine runs on; null while they are not served.</summary>
    public async Task<IReadOnlyList<string>?> UrisAsync()
    {
        var view = await _sites.ViewAsync(Name);
        return Uris(Place == Place.Source ? view?["source"] : view?["recovered"]);
    }

    /// <summary>
    /// Resumes writing if the disks are reachable; first checks that no acknowledged write is missing (I2).
    /// </summary>
    /// <returns>True when the machine writes now.</returns>
    /// <exception cref="ViolationException">A write is missing, or one was refused.</exception>
    public async Task<bool> TryGoOnAsync()
    {
        RefusedNothing();
        IsMeantToWrite = true;
        if (Writer.IsWriting)
        {
            return true;
        }

        if (await UrisAsync() is not { } uris)
        {
            return false;
        }

        return await Task.Run(() =>
        {
            try
            {
                Writer.Stop();
                var images = uris.Select(NbdImages.Read).ToList();
                Writer.Settle(images);
                IsComplete(images, $"{Name}, disks of the {Place.ToString().ToLowerInvariant()} after an interruption");
                Writer.Start(uris);
                return true;
            }
            catch (Exception e) when (e is IOException or SocketException or InvalidDataException)
            {
                // The disks are not served, or no longer: the keeper retries.
                return false;
            }
        });
    }

    /// <summary>
    /// Stops writing. On return every write that was sent has its reply, or its connection has ended.
    /// </summary>
    public void Rest()
    {
        IsMeantToWrite = false;
        Writer.Stop();
        RefusedNothing();
    }

    /// <summary>Checks that images hold every acknowledged write (I2).</summary>
    public void IsComplete(IReadOnlyList<byte[]> images, string what, string invariant = "I2") =>
        _ledger.Check(invariant, () => WriteOrderCheck.Complete(Bases, images, Writer.Writes, what));

    /// <summary>Checks that no write was refused (I27).</summary>
    public void RefusedNothing() => _ledger.Check(
        "I27", Writer.LastError == 0, $"{Name}: a write was refused with NBD error {Writer.LastError}");

    /// <summary>
    /// Starts a new incarnation of the machine on other disks. The caller takes over the former writer.
    /// </summary>
    /// <param name="place">The new place.</param>
    /// <param name="bases">The contents of the new disks.</param>
    /// <returns>The former writer, and the contents of its disks before its first write.</returns>
    public (NumberedWriter Writer, IReadOnlyList<byte[]> Bases) BeginLife(Place place, IReadOnlyList<byte[]> bases)
    {
        var former = (Writer, Bases);
        _lives++;
        (Place, Bases, IsMeantToWrite) = (place, bases, false);
        Points.Clear();
        _ledger.Wrote(Writer.AcknowledgedCount);
        Writer = new NumberedWriter(_seed + _lives, Depth, TimeProvider.System, Pace) { After = Writer.LastNumber };
        Began = TimeProvider.System.GetUtcNow();
        return former;
    }

    /// <inheritdoc/>
    public void Dispose() => Turn.Dispose();
}
