using System.Globalization;
using System.Text.RegularExpressions;

namespace ReplicationEngine.Simulation.Planner.Scenarios;

/// <summary>Checks a JSON value against its shape and collects all problems.</summary>
internal static class ShapeCheck
{
    /// <summary>The form of a name as a regular expression.</summary>
    public const string NamePattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";

    /// <summary>The form of a time of day as a regular expression.</summary>
    public const string TimeOfDayPattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$";

    /// <summary>Returns all problems of an object.</summary>
    public static IEnumerable<ScenarioProblem> Problems(Node node, Shape shape, string path = "")
    {
        if (node.Kind != NodeKind.Members)
        {
            yield return new ScenarioProblem(
                node.Place, path, $"This is {node.Describe()}; write an object {{ … }} ({shape.Description})");
            yield break;
        }

        foreach (var member in node.Members)
        {
            var inner = path.Length == 0 ? member.Name : $"{path}.{member.Name}";
            if (shape.Find(member.Name) is not { } field)
            {
                yield return new ScenarioProblem(member.Place, inner, Unknown(member.Name, shape));
                continue;
            }

            foreach (var problem in Problems(member.Value, field.Kind, inner))
            {
                yield return problem;
            }
        }

        foreach (var field in shape.Fields.Where(field => field.Required && node.Find(field.Name) is null))
        {
            yield return new ScenarioProblem(
                node.Place, path, $"'{field.Name}' is missing; add it ({field.Description})");
        }
    }

    private static IEnumerable<ScenarioProblem> Problems(Node node, ValueKind kind, string path)
    {
        switch (kind)
        {
            case ValueKind.Part part:
                return Problems(node, ScenarioShapes.Parts[part.Shape], path);
            case ValueKind.ListOf list when node.Kind == NodeKind.Items:
                return ListProblems(node, list, path);
            default:
                return Objection(node, kind) is { } reason ? [new ScenarioProblem(node.Place, path, reason)] : [];
        }
    }

    private static IEnumerable<ScenarioProblem> ListProblems(Node node, ValueKind.ListOf list, string path)
    {
        if (node.Items.Count < list.Least)
        {
            yield return new ScenarioProblem(
                node.Place, path, $"The list has {node.Items.Count} items; it needs at least {list.Least}.");
        }

        for (var i = 0; i < node.Items.Count; i++)
        {
            foreach (var problem in Problems(node.Items[i], list.Item, $"{path}[{i}]"))
            {
                yield return problem;
            }
        }
    }

    private static string? Objection(Node node, ValueKind kind)
    {
        var remedy = Remedy(node, kind);
        return remedy is null ? null : $"This is {node.Describe()}; {remedy}.";
    }

    private static string? Remedy(Node node, ValueKind kind)
    {
        var text = node.Kind == NodeKind.Text ? node.Text : null;
        return kind switch
        {
            ValueKind.Text => text?.Length > 0 ? null : "write a text in quotes",
            ValueKind.Name => text is not null && Matches(text, NamePattern) ? null
                : "write a name of 1 to 64 letters, digits, dots, dashes or underscores, first a letter or digit",
            ValueKind.Choice choice => text is not null && choice.Words.Contains(text, StringComparer.Ordinal) ? null
                : $"write one of {string.Join(", ", choice.Words.Select(word => $"\"{word}\""))}",
            ValueKind.Amount amount => amount.Quantity.WhyNot(text),
            ValueKind.DurationOrNever => text != "never" && Quantity.Duration.WhyNot(text) is { } why
                ? $"{why}, or \"never\"" : null,
            ValueKind.Whole whole => node.Kind == NodeKind.Number
                && long.TryParse(node.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
                && number >= whole.Least && number <= whole.Most ? null
                : $"write a whole number from {whole.Least} to {whole.Most}, without quotes",
            ValueKind.Flag => node.Kind == NodeKind.Flag ? null : "write true or false, without quotes",
            ValueKind.Instant => text is not null && IsInstant(text, out _) ? null
                : "write an instant in UTC, such as \"2026-01-05T00:00:00Z\"",
            ValueKind.TimeOfDay => text is not null && Matches(text, TimeOfDayPattern) ? null
                : "write a time of day, such as \"18:30\"",
            ValueKind.ListOf => "write a list [ … ]",
            _ => throw new InvalidOperationException($"Kind {kind} has no check."),
        };
    }

    /// <summary>Parses an instant in UTC; returns whether the text is one.</summary>
    internal static bool IsInstant(string text, out DateTimeOffset instant) => DateTimeOffset.TryParseExact(
        text, "yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out instant);

    private static bool Matches(string text, string pattern) =>
        Regex.IsMatch(text, pattern, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));

    private static string Unknown(string name, Shape shape)
    {
        var near = shape.Fields.Select(field => field.Name)
            .OrderBy(known => Distance(known, name)).ThenBy(known => known, StringComparer.Ordinal).First();
        var hint = Distance(near, name) <= 2 ? $"did you mean '{near}'?"
            : $"a {shape.Name} has {string.Join(", ", shape.Fields.Select(field => field.Name))}.";
        return $"'{name}' is not known here; {hint}";
    }

    private static int Distance(string left, string right)
    {
        var row = Enumerable.Range(0, right.Length + 1).ToArray();
        for (var i = 1; i <= left.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                var same = char.ToUpperInvariant(left[i - 1]) == char.ToUpperInvariant(right[j - 1]) ? 0 : 1;
                var next = Math.Min(Math.Min(row[j] + 1, row[j - 1] + 1), diagonal + same);
                diagonal = row[j];
                row[j] = next;
            }
        }

        return row[^1];
    }
}
