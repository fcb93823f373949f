using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using ReplicationEngine.Vault.Contracts;
using ReplicationEngine.Vault.Contracts.Operations;

namespace ReplicationEngine.Tests.Vault.Cli;

/// <summary>
/// The HTTP contract on a loopback port, with answers that a test writes. VMs and jobs are scripts: each question takes
/// the next answer, the last one stays.
/// </summary>
internal sealed class FakeService : IAsyncDisposable
{
    private readonly WebApplication _app;

    private FakeService(WebApplication app) => _app = app;

    public string Url =>
        _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();

    public ConcurrentDictionary<string, Script<VmView>> Vms { get; } = new();

    public ConcurrentDictionary<string, Script<JobView>> Jobs { get; } = new();

    public List<PointView> Points { get; } = [];

    public List<LogLineView> Log { get; } = [];

    public List<AgentView> Agents { get; } = [];

    public StateAtView? StateAt { get; set; }

    public ConcurrentQueue<(string Vm, string Operation, OperationArguments Request)> Received { get; } = new();

    public ConcurrentQueue<string> Asked { get; } = new();

    /// <summary>Answers an operation; the default accepts it as job j1.</summary>
    public Func<IResult> OnOperation { get; set; } = () => Results.Accepted(null, new OperationAccepted("j1"));

    /// <summary>Runs before each answer; false drops the connection without one.</summary>
    public Func<HttpContext, bool> Before { get; set; } = _ => true;

    public static async Task<FakeService> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var fake = new FakeService(builder.Build());
        fake.Map();
        await fake._app.StartAsync();
        return fake;
    }

    public static IResult Problem(int status, string detail, string code = "code") =>
        Results.Problem(detail, statusCode: status,
            extensions: new Dictionary<string, object?>(StringComparer.Ordinal) { ["code"] = code });

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private void Map()
    {
        _app.Use(async (context, next) =>
        {
            Asked.Enqueue(context.Request.Path + context.Request.QueryString);
            if (Before(context))
            {
                await next(context);
            }
            else
            {
                context.Abort();
            }
        });
        _app.MapGet("/api/v1/vms", () => Vms.Values.Select(v => v.Next()).ToList());
        _app.MapGet("/api/v1/vms/{vm}", (string vm) => Vms.TryGetValue(vm, out var script) ? Results.Ok(script.Next())
            : Unknown(vm));
        _app.MapGet("/api/v1/vms/{vm}/points", (string vm) => Vms.ContainsKey(vm) ? Results.Ok(Points) : Unknown(vm));
        _app.MapGet("/api/v1/vms/{vm}/log", (string vm, string? at) =>
            !Vms.ContainsKey(vm) ? Unknown(vm) : at is null ? Results.Ok(Log) : Results.Ok(StateAt));
        _app.MapGet("/api/v1/jobs", (string? vm) =>
            Jobs.Values.Select(j => j.Next()).Where(j => vm is null || j.Vm == vm).ToList());
        _app.MapGet("/api/v1/jobs/{id}", (string id) =>
            Jobs.TryGetValue(id, out var script) ? Results.Ok(script.Next()) : Problem(404, $"No job {id}."));
        _app.MapGet("/api/v1/agents", () => Agents);
        _app.MapPost("/api/v1/vms/{vm}/operations/{op}", (string vm, string op, JsonElement body) =>
        {
            Received.Enqueue((vm, op, VmOperations.Named(op).Read(body)));
            return OnOperation();
        });
    }

    private static IResult Unknown(string vm) =>
        Problem(404, $"The vault knows no VM {vm}; `drctl status` lists them.", "unknown-vm");
}

/// <summary>Answers one after another; the last one stays.</summary>
internal sealed class Script<T>(params T[] answers)
{
    private int _next = -1;

    public T Next() => answers[Math.Min(Interlocked.Increment(ref _next), answers.Length - 1)];
}
