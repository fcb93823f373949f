using System.Text.Json;
using Microsoft.Extensions.Logging;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.Agent.Volumes;

/// <summary>
/// Stores a VM's newest directive in <c>directive.json</c> of the VM's directory, so that it is known after a restart.
/// One directive at a time writes; all threads may read.
/// </summary>
internal sealed partial class DirectiveStore
{
    private const string FileName = "directive.json";
    private readonly string _vm;
    private readonly IStorageDirectory _directory;
    private readonly ILogger _logger;
    private VolumeDirective? _newest;

    /// <summary>Opens the store and reads the stored directive.</summary>
    public DirectiveStore(string vm, IStorageDirectory directory, ILogger logger)
    {
        (_vm, _directory, _logger) = (vm, directory, logger);
        _newest = Read();
    }

    /// <summary>The newest directive, including one from before a restart; null before the first.</summary>
    public VolumeDirective? Newest => Volatile.Read(ref _newest);

    /// <summary>
    /// Stores the directive. On a full disk, a directive that changes neither role, term, disks nor copy is obeyed
    /// without being stored: a guest must not lose its disks because the agent's data directory is full (I27), and
    /// after a restart the service sends the current directive again.
    /// </summary>
    /// <exception cref="StorageException">The directive could not be stored.</exception>
    public void Remember(VolumeDirective directive)
    {
        try
        {
            Write(directive);
        }
        catch (StorageException e) when (e.Errno == StorageException.NoSpace && _newest is { } last
            && last.Role == directive.Role && last.Term == directive.Term && last.CopyId == directive.CopyId
            && last.Disks.SequenceEqual(directive.Disks, StringComparer.Ordinal))
        {
            NotStored(_logger, _vm, e.Message);
        }

        Volatile.Write(ref _newest, directive);
    }

    /// <summary>Forgets the directive after the VM's directory was deleted.</summary>
    public void Forget() => Volatile.Write(ref _newest, null);

    private void Write(VolumeDirective directive)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(directive, ControlJson.Default.VolumeDirective);
        const string next = FileName + ".new";
        using (var file = _directory.Open(next, StorageOpen.Any))
        {
            file.SetLength(0);
            file.Write(0, bytes);
            file.Sync();
        }

        _directory.Rename(next, FileName);
        _directory.Sync();
    }

    private VolumeDirective? Read()
    {
        if (!_directory.Exists(FileName))
        {
            return null;
        }

        using var file = _directory.Open(FileName, StorageOpen.Existing);
        var bytes = new byte[file.Length];
        file.Read(0, bytes);
        return JsonSerializer.Deserialize(bytes, ControlJson.Default.VolumeDirective);
    }

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "the directive of '{Vm}' is in effect but was not stored: {Reason}")]
    private static partial void NotStored(ILogger logger, string vm, string reason);
}
