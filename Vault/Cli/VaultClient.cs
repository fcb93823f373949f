using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using ReplicationEngine.Agent.Protocol.Access;
using ReplicationEngine.Vault.Contracts;
using ReplicationEngine.Vault.Contracts.Operations;

namespace ReplicationEngine.Vault.Cli;

/// <summary>
/// A client of the service's HTTP API, defined in <c>Vault/Contracts</c>. Every failure is a
/// <see cref="CommandFailedException"/>: exit code 3 when no usable response arrives, 1 when the server refuses.
/// Requests carry the service's API token. If the service asks for another of the user's tokens, the client uses that
/// one from then on.
/// </summary>
internal sealed class VaultClient : IDisposable
{
    private const int StartAttempts = 3;
    private readonly Uri _server;
    private readonly ServiceToken _tokens;
    private readonly HttpClient _http;
    private ApiToken? _token;

    /// <summary>Makes a client of the service at <paramref name="server"/>.</summary>
    /// <param name="server">The service's URL.</param>
    /// <param name="tokens">Finds the service's API token.</param>
    public VaultClient(Uri server, ServiceToken tokens)
    {
        (_server, _tokens) = (server, tokens);
        // The client connects to the service directly: a proxy meant for the web must not see its traffic.
        var handler = new SocketsHttpHandler { UseProxy = false, ConnectTimeout = TimeSpan.FromSeconds(5) };
        _http = new HttpClient(handler) { BaseAddress = server, Timeout = TimeSpan.FromSeconds(60) };
    }

    public Task<IReadOnlyList<VmView>> VmsAsync(CancellationToken cancellationToken) =>
        GetAsync("api/v1/vms", CliJson.Default.IReadOnlyListVmView, cancellationToken);

    public Task<VmView> VmAsync(string vm, CancellationToken cancellationToken) =>
        GetAsync($"api/v1/vms/{Escape(vm)}", CliJson.Default.VmView, cancellationToken);

    /// <summary>Returns the VM, or null when the server knows none of this name.</summary>
    public async Task<VmView?> FindVmAsync(string vm, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(HttpMethod.Get, $"api/v1/vms/{Escape(vm)}", null, cancellationToken);
        return response.StatusCode == HttpStatusCode.NotFound
            ? null
            : await ReadAsync(response, CliJson.Default.VmView, cancellationToken);
    }

    public Task<IReadOnlyList<PointView>> PointsAsync(string vm, CancellationToken cancellationToken) =>
        GetAsync($"api/v1/vms/{Escape(vm)}/points", CliJson.Default.IReadOnlyListPointView, cancellationToken);

    /// <summary>Reads the whole history of a VM, oldest event first, as a stream.</summary>
    public async IAsyncEnumerable<LogLineView> LogAsync(
        string vm, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var from = 1L;
        IReadOnlyList<LogLineView> page;
        do
        {
            page = await GetAsync(
                string.Create(
                    CultureInfo.InvariantCulture, $"api/v1/vms/{Escape(vm)}/log?from={from}&most={Paging.Most}"),
                CliJson.Default.IReadOnlyListLogLineView, cancellationToken);
            foreach (var line in page)
            {
                yield return line;
                from = line.Seq + 1;
            }
        }
        while (page.Count == Paging.Most);
    }

    public Task<StateAtView> StateAtAsync(string vm, string at, CancellationToken cancellationToken) =>
        GetAsync($"api/v1/vms/{Escape(vm)}/log?at={Escape(at)}", CliJson.Default.StateAtView, cancellationToken);

    /// <summary>Returns all jobs of a VM, or of all VMs, newest first.</summary>
    public async Task<IReadOnlyList<JobView>> JobsAsync(string? vm, CancellationToken cancellationToken)
    {
        var path = "api/v1/jobs?" + (vm is null ? "" : $"vm={Escape(vm)}&");
        return await PagesAsync(path, CliJson.Default.IReadOnlyListJobView, job => job.Id, int.MaxValue,
            cancellationToken);
    }

    /// <summary>Returns the read models.</summary>
    public Task<IReadOnlyList<ProjectionView>> ProjectionsAsync(CancellationToken cancellationToken) =>
        GetAsync("api/v1/projections", CliJson.Default.IReadOnlyListProjectionView, cancellationToken);

    /// <summary>Returns the service's own health.</summary>
    public Task<HealthView> HealthAsync(CancellationToken cancellationToken) =>
        GetAsync("api/v1/health", CliJson.Default.HealthView, cancellationToken);

    /// <summary>Starts the rebuild of a read model.</summary>
    public async Task RebuildAsync(string projection, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(
            HttpMethod.Post, $"api/v1/projections/{Escape(projection)}/rebuild", null, cancellationToken);
        if (!response.IsSuccessStatusCode)
        {
            throw await RefusalAsync(response, cancellationToken);
        }
    }

    /// <summary>Returns the accepted commands of users, newest first.</summary>
    public async Task<IReadOnlyList<AuditView>> AuditAsync(string? vm, int most, CancellationToken cancellationToken)
    {
        var path = "api/v1/audit?" + (vm is null ? "" : $"vm={Escape(vm)}&");
        return await PagesAsync(path, CliJson.Default.IReadOnlyListAuditView, entry => entry.Id, most,
            cancellationToken);
    }

    public Task<JobView> JobAsync(string id, CancellationToken cancellationToken) =>
        GetAsync($"api/v1/jobs/{Escape(id)}", CliJson.Default.JobView, cancellationToken);

    public Task<IReadOnlyList<AgentView>> AgentsAsync(CancellationToken cancellationToken) =>
        GetAsync("api/v1/agents", CliJson.Default.IReadOnlyListAgentView, cancellationToken);

    /// <summary>Releases an agent's name to the next agent that registers it.</summary>
    public async Task ForgetAgentAsync(string agent, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(
            HttpMethod.Delete, $"api/v1/agents/{Escape(agent)}", null, cancellationToken);
        if (!response.IsSuccessStatusCode)
        {
            throw await RefusalAsync(response, cancellationToken);
        }
    }

    /// <summary>Returns a VM that is out of service to service, and returns its view.</summary>
    public async Task<VmView> LiftQuarantineAsync(string vm, CancellationToken cancellationToken)
    {
        var path = $"api/v1/vms/{Escape(vm)}/lift-quarantine";
        using var response = await SendAsync(HttpMethod.Post, path, null, cancellationToken);
        return await ReadAsync(response, CliJson.Default.VmView, cancellationToken);
    }

    /// <summary>
    /// Starts an operation. If the connection breaks before the response, the request is sent again:
    /// <paramref name="arguments"/> must carry a command id, so that the repetition has no further effect (I19).
    /// </summary>
    public async Task<OperationAccepted> StartAsync(
        string vm, VmOperation operation, OperationArguments arguments, CancellationToken cancellationToken)
    {
        if (arguments.CommandId is null)
        {
            throw new ArgumentException("Without a command id, a repeated request would be a second command.",
                nameof(arguments));
        }

        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var path = $"api/v1/vms/{Escape(vm)}/operations/{operation.Name}";
                using var response = await SendAsync(
                    HttpMethod.Post, path, () => JsonContent.Create(operation.Write(arguments)), cancellationToken);
                return await ReadAsync(response, CliJson.Default.OperationAccepted, cancellationToken);
            }
            catch (CommandFailedException e) when (attempt < StartAttempts && BrokeAfterConnecting(e))
            {
                continue;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private static bool BrokeAfterConnecting(CommandFailedException failure) =>
        failure.InnerException is HttpRequestException
    {
        HttpRequestError: not (HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError),
    };

    private static string Escape(string text) => Uri.EscapeDataString(text);

    // Lists are paged: the entries after the last one are requested until there are none.
    private async Task<IReadOnlyList<T>> PagesAsync<T>(
        string path, JsonTypeInfo<IReadOnlyList<T>> type, Func<T, string> id, int most,
        CancellationToken cancellationToken)
    {
        var all = new List<T>();
        IReadOnlyList<T> page;
        int asked;
        do
        {
            asked = Math.Min(Paging.Most, most - all.Count);
            var after = all.Count == 0 ? "" : $"&after={Escape(id(all[^1]))}";
            page = await GetAsync(
                string.Create(CultureInfo.InvariantCulture, $"{path}most={asked}{after}"), type, cancellationToken);
            all.AddRange(page);
        }
        while (page.Count == asked && all.Count < most);
        return all;
    }

    private async Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(HttpMethod.Get, path, null, cancellationToken);
        return await ReadAsync(response, type, cancellationToken);
    }

    // A request without a body is declared as JSON too, because the service accepts nothing that a web page could send.
    private static StringContent NoBody() => new("", Encoding.UTF8, "application/json");

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, Func<HttpContent>? content, CancellationToken cancellationToken)
    {
        try
        {
            _token ??= _tokens.Find();
        }
        catch (ApiTokenException e)
        {
            throw CommandFailedException.Refused(e.Message);
        }

        var response = await SendOnceAsync(method, path, content, cancellationToken);
        if (response.StatusCode != HttpStatusCode.Unauthorized
            || _tokens.FindOther(response.Headers.WwwAuthenticate.ToString(), _token) is not { } other)
        {
            return response;
        }

        response.Dispose();
        _token = other;
        return await SendOnceAsync(method, path, content, cancellationToken);
    }

    private async Task<HttpResponseMessage> SendOnceAsync(
        HttpMethod method, string path, Func<HttpContent>? content, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, path)
        {
            Content = content?.Invoke() ?? (method == HttpMethod.Get ? null : NoBody()),
        };
        if (_token is { } token)
        {
            request.Headers.TryAddWithoutValidation("Authorization", token.Authorization);
        }

        try
        {
            return await _http.SendAsync(request, cancellationToken);
        }
        catch (HttpRequestException e)
        {
            throw Unreachable(e.InnerException?.Message ?? e.Message, e);
        }
        catch (TaskCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw Unreachable($"no response within {_http.Timeout.TotalSeconds:0} s", e);
        }
    }

    private async Task<T> ReadAsync<T>(HttpResponseMessage response, JsonTypeInfo<T> type,
        CancellationToken cancellationToken)
    {
        try
        {
            if (!response.IsSuccessStatusCode)
            {
                throw await RefusalAsync(response, cancellationToken);
            }

            return await response.Content.ReadFromJsonAsync(type, cancellationToken)
                ?? throw new JsonException("the response is null");
        }
        catch (JsonException e)
        {
            throw Unreachable($"its response is not one of this service: {e.Message}", e);
        }
        catch (HttpRequestException e)
        {
            throw Unreachable(e.Message, e);
        }
    }

    private async Task<CommandFailedException> RefusalAsync(HttpResponseMessage response,
        CancellationToken cancellationToken)
    {
        if (response.StatusCode == HttpStatusCode.Unauthorized)
        {
            return CommandFailedException.Refused(_tokens.Refusal);
        }

        var status = (int)response.StatusCode;
        var isProblem = response.Content.Headers.ContentType?.MediaType is "application/problem+json"
            or "application/json";
        var problem = isProblem
            ? await response.Content.ReadFromJsonAsync(CliJson.Default.ProblemView, cancellationToken)
            : null;
        var sentence = problem?.Detail ?? problem?.Title
            ?? $"The server at {Address} returned HTTP {status} for "
                + $"{response.RequestMessage?.RequestUri?.AbsolutePath} without a reason; "
            + "see its log, and check that --server names the right server.";
        return new CommandFailedException(ExitCodes.Refused, sentence)
        {
            MayPass = response.StatusCode == HttpStatusCode.ServiceUnavailable,
            OutcomeUnknown = response.StatusCode == HttpStatusCode.ServiceUnavailable
                && problem?.Code is "journal-unavailable" or "unavailable" or "projection-behind",
        };
    }

    private string Address => _server.GetLeftPart(UriPartial.Authority);

    private CommandFailedException Unreachable(string why, Exception cause) => CommandFailedException.Unreachable(
        $"No server responds at {Address} ({why.TrimEnd('.')}); start it with `drctl serve`, or name another with "
            + $"--server URL or "
        + $"{ClientOptions.ServerVariable}.", cause);
}
