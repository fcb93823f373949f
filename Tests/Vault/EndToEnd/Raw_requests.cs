using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using ReplicationEngine.Agent.Protocol.Access;
using Xunit;

namespace ReplicationEngine.Tests.Vault.EndToEnd;

/// <summary>What reaches the service's port and is not one of its clients changes nothing: no token, a name of
/// somebody else's, another page's origin, a form.</summary>
public sealed class Raw_requests : IDisposable
{
    private const string Json = "Content-Type: application/json\r\n";

    private readonly Lab _lab = new();

    private string Token => $"Authorization: {ApiToken.Read(_lab.TokenFile).Authorization}\r\n";

    private int Port => new Uri(_lab.Server).Port;

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task Nothing_but_a_client_with_the_token_fails_a_vm_over()
    {
        await _lab.StartServiceAsync("--host-name", "dr.example.org");
        await _lab.StartAgentAsync();
        await LabVm.Make(_lab, "web", disks: 1, mebibytes: 8).ProtectAsync();
        const string post = "POST /api/v1/vms/web/operations/unplanned-failover HTTP/1.1\r\n";
        const string body = "Content-Length: 2\r\n\r\n{}";
        var host = $"Host: 127.0.0.1:{Port}\r\n";
        var wrong = $"Authorization: {ApiToken.Make().Authorization}\r\n";
        (int Status, string Request)[] refused =
        [
            (401, post + host + Json + body),
            (401, post + host + Json + wrong + body),
            (401, post + host + Json + Token.Replace("Bearer ", "Basic ", StringComparison.Ordinal) + body),
            (401, post + host + Json + Token.TrimEnd() + "x\r\n" + body),
            (401, post + host + Json + "Authorization: Bearer\r\n" + body),
            (421, post + "Host: evil.example\r\n" + Json + Token + body),
            (421, post + $"Host: evil.example:{Port}\r\n" + Json + Token + body),
            (421, post + $"Host: 127.0.0.1.evil.example:{Port}\r\n" + Json + Token + body),
            (400, post + Json + Token + body),
            (403, post + host + "Origin: http://evil.example\r\n" + Json + Token + body),
            (403, post + host + "Origin: null\r\n" + Json + Token + body),
            (403, post + host + "Origin: http://127.0.0.1:1\r\n" + Json + Token + body),
            (403, post + host + $"Origin: https://127.0.0.1:{Port}\r\n" + Json + Token + body),
            (403, post + host + "Sec-Fetch-Site: cross-site\r\n" + Json + Token + body),
            (403, post + host + "Sec-Fetch-Site: same-site\r\n" + Json + Token + body),
            (415, post + host + Token + body),
            (415, post + host + "Content-Type: text/plain\r\n" + Token + body),
            (415, post + host + "Content-Type: application/x-www-form-urlencoded\r\n" + Token + body),
            (415, post + host + "Content-Type: application/json-seq\r\n" + Token + body),
            (415, post + host + Token + "Content-Length: 0\r\n\r\n"),
            (415, Lift + host + Token + "Content-Length: 0\r\n\r\n"),
            (403, $"OPTIONS /api/v1/vms/web/operations/unplanned-failover HTTP/1.1\r\n{host}"
                + "Origin: http://evil.example\r\nAccess-Control-Request-Method: POST\r\n\r\n"),
            (401, $"GET /api/v1/vms HTTP/1.1\r\n{host}\r\n"),
            (401, $"GET /api/v1/agents?token=x HTTP/1.1\r\n{host}\r\n"),
            (401, $"POST /health/ready HTTP/1.1\r\n{host}{Json}{body}"),
            (401, $"GET /health/ready/x HTTP/1.1\r\n{host}\r\n"),
            (401, $"GET /HEALTH/READY HTTP/1.1\r\n{host}\r\n"),
            (421, "GET /health/ready HTTP/1.1\r\nHost: evil.example\r\n\r\n"),
            (403, $"GET /health/ready HTTP/1.1\r\n{host}Origin: http://evil.example\r\n\r\n"),
            (401, $"GET /no/such/path HTTP/1.1\r\n{host}\r\n"),
            (401, $"GET /agent/control HTTP/1.1\r\n{host}Connection: Upgrade\r\n"
                + "Upgrade: replication-control/1\r\n\r\n"),
            (401, $"GET /agent/data?vm=web&direction=forward HTTP/1.1\r\n{host}Connection: Upgrade\r\n"
                + "Upgrade: replication-data/1\r\n\r\n"),
        ];
        foreach (var (status, request) in refused)
        {
            var answer = await SendAsync(request);
            Assert.True(answer.StartsWith($"HTTP/1.1 {status} ", StringComparison.Ordinal), $"{request}\n\n{answer}");
            Assert.DoesNotContain("Access-Control-Allow", answer, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain(Token["Authorization: ".Length..].Trim(), answer, StringComparison.Ordinal);
        }

        Assert.Equal("protected", (string?)(await _lab.ViewAsync("web"))["phase"]);
        var names = new[] { "127.0.0.1", "localhost", "[::1]", "LOCALHOST", "dr.example.org", $"localhost:{Port}" };
        foreach (var name in names)
        {
            var answer = await SendAsync($"GET /api/v1/vms/web HTTP/1.1\r\nHost: {name}\r\n{Token}\r\n");
            Assert.StartsWith("HTTP/1.1 200 ", answer, StringComparison.Ordinal);
        }

        var page = await SendAsync(
            $"GET /api/v1/vms HTTP/1.1\r\n{host}Origin: http://127.0.0.1:{Port}\r\nSec-Fetch-Site: same-origin\r\n"
            + $"{Token}\r\n");
        Assert.StartsWith("HTTP/1.1 200 ", page, StringComparison.Ordinal);
        var done = await SendAsync(post + host + Json + Token + body);
        Assert.StartsWith("HTTP/1.1 202 ", done, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("{\"x\":1}")]
    [InlineData("{\"commandId\":5}")]
    public async Task A_body_that_cannot_be_read_is_refused_with_the_reason(string body)
    {
        await _lab.StartServiceAsync();
        using var client = new HttpClient { BaseAddress = new Uri(_lab.Server) };
        client.DefaultRequestHeaders.Add("Authorization", ApiToken.Read(_lab.TokenFile).Authorization);
        using var content = new StringContent(body, Encoding.UTF8, "application/json");

        using var answer = await client.PostAsync(
            new Uri("/api/v1/vms/web/operations/pause", UriKind.Relative), content);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        Assert.Contains("bad-request", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refusal_names_the_remedy_and_the_token_that_it_asks_for()
    {
        await _lab.StartServiceAsync();
        var answer = await SendAsync($"GET /api/v1/vms HTTP/1.1\r\nHost: localhost\r\n\r\n");
        Assert.Contains("application/problem+json", answer, StringComparison.Ordinal);
        Assert.Contains("api-token", answer, StringComparison.Ordinal);
        Assert.Contains("--token-file", answer, StringComparison.Ordinal);
        Assert.Contains(
            $"WWW-Authenticate: Bearer realm=\"drctl\", token-id=\"{ApiToken.Read(_lab.TokenFile).Id}\"", answer,
            StringComparison.Ordinal);
    }

    private const string Lift = "POST /api/v1/vms/web/lift-quarantine HTTP/1.1\r\n";

    private async Task<string> SendAsync(string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, Port, TestContext.Current.CancellationToken);
        var stream = client.GetStream();
        await stream.WriteAsync(
            Encoding.ASCII.GetBytes(request), TestContext.Current.CancellationToken);
        var buffer = new byte[16 << 10];
        var length = 0;
        while (!IsWhole(Encoding.UTF8.GetString(buffer, 0, length)))
        {
            var read = await stream.ReadAsync(buffer.AsMemory(length), TestContext.Current.CancellationToken);
            if (read == 0)
            {
                break;
            }

            length += read;
        }

        return Encoding.UTF8.GetString(buffer, 0, length);
    }

    // Enough of an answer: the header, and of a chunked body the last chunk.
    private static bool IsWhole(string answer)
    {
        var end = answer.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        if (end < 0)
        {
            return false;
        }

        const string name = "Content-Length:";
        var length = answer[..end].Split("\r\n")
            .FirstOrDefault(line => line.StartsWith(name, StringComparison.OrdinalIgnoreCase));
        return length is not null
            ? answer.Length - end - 4 >= int.Parse(length[name.Length..], CultureInfo.InvariantCulture)
            : !answer[..end].Contains("chunked", StringComparison.OrdinalIgnoreCase)
                || answer.EndsWith("0\r\n\r\n", StringComparison.Ordinal);
    }
}
