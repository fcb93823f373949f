using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ReplicationEngine.Agent.Protocol.Access;
using ReplicationEngine.Vault.Access;
using Xunit;

namespace ReplicationEngine.Tests.Vault.Access;

/// <summary>Who connects and sends no request that is admitted takes no place from a client.</summary>
public sealed class Connections_that_say_nothing : IAsyncLifetime
{
    private const int Most = 16;
    private const int Many = 300;
    private readonly ApiToken _token = ApiToken.Make();
    private readonly ConnectionDoor _door = new(Most, TimeProvider.System);
    private readonly List<Socket> _idle = [];
    private readonly HttpClient _client = new();
    private WebApplication _app = null!;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ConfigureEndpointDefaults(
            endpoint => endpoint.Use(next => connection => _door.ServeAsync(connection, next))));
        _app = builder.Build();
        _app.Use(new RequestGate(_token, new HashSet<string>(["127.0.0.1"], StringComparer.Ordinal)).AdmitAsync);
        _app.MapGet("/", () => "admitted");
        await _app.StartAsync();
        _client.BaseAddress = new Uri(
            _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
    }

    public async ValueTask DisposeAsync()
    {
        _idle.ForEach(socket => socket.Dispose());
        _client.Dispose();
        await _app.DisposeAsync();
    }

    [Fact]
    public async Task Are_ended_oldest_first_when_more_come_and_a_client_is_served_among_them()
    {
        var cancellation = TestContext.Current.CancellationToken;
        Assert.Equal(HttpStatusCode.OK, await AskAsync(admitted: true));
        for (var i = 0; i < Many; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            _idle.Add(socket);
            await socket.ConnectAsync(IPAddress.Loopback, _client.BaseAddress!.Port, cancellation);
        }

        // The client's connection was before all of them and is kept, because it has proved itself; so is a new one.
        Assert.Equal(HttpStatusCode.OK, await AskAsync(admitted: true));
        using var other = new HttpClient { BaseAddress = _client.BaseAddress };
        Assert.Equal(HttpStatusCode.OK, await AskAsync(admitted: true, other));
        foreach (var oldest in _idle.Take(Many - (2 * Most)))
        {
            Assert.True(await IsEndedAsync(oldest, cancellation));
        }

        Assert.InRange(_door.Unproven, 0, Most);
    }

    [Fact]
    public async Task A_request_that_is_not_admitted_proves_nothing()
    {
        Assert.Equal(HttpStatusCode.Unauthorized, await AskAsync(admitted: false));
        Assert.Equal(1, _door.Unproven);
        Assert.Equal(HttpStatusCode.OK, await AskAsync(admitted: true));
        Assert.Equal(0, _door.Unproven);
    }

    [Theory]
    [InlineData(320, 40)]
    [InlineData(128, 32)]
    [InlineData(1 << 20, 512)]
    public void As_many_are_kept_as_the_open_files_allow(long openFiles, int kept) =>
        Assert.Equal(kept, ConnectionDoor.MostOf(openFiles));

    private async Task<HttpStatusCode> AskAsync(bool admitted, HttpClient? client = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/");
        request.Headers.TryAddWithoutValidation("Authorization", admitted ? _token.Authorization : null);
        using var response = await (client ?? _client).SendAsync(request, TestContext.Current.CancellationToken);
        return response.StatusCode;
    }

    private static async Task<bool> IsEndedAsync(Socket socket, CancellationToken cancellationToken)
    {
        try
        {
            return await socket.ReceiveAsync(new byte[1], cancellationToken) == 0;
        }
        catch (SocketException)
        {
            return true;
        }
    }
}
