using System.Globalization;
using System.Text;

namespace ReplicationEngine.Simulation.Planner.Reports;

/// <summary>
/// Writes well-formed XHTML and SVG: the method that opens an element closes it, and text is escaped.
/// </summary>
internal sealed class Markup
{
    private readonly StringBuilder _text = new();

    /// <summary>Writes an element with a body.</summary>
    public Markup In(string element, Action body, params ReadOnlySpan<(string Name, object Value)> attributes)
    {
        Open(element, attributes, ">");
        body();
        _text.Append("</").Append(element).Append(">\n");
        return this;
    }

    /// <summary>Writes an element with text.</summary>
    public Markup Text(string element, string text, params ReadOnlySpan<(string Name, object Value)> attributes)
    {
        Open(element, attributes, ">");
        _text.Append(Escape(text)).Append("</").Append(element).Append(">\n");
        return this;
    }

    /// <summary>Writes an element without a body.</summary>
    public Markup Empty(string element, params ReadOnlySpan<(string Name, object Value)> attributes)
    {
        Open(element, attributes, "/>\n");
        return this;
    }

    /// <summary>Writes markup unchanged.</summary>
    public Markup Raw(string markup)
    {
        _text.Append(markup);
        return this;
    }

    /// <summary>
    /// Returns text that is safe in a body and in an attribute. Characters that XML does not allow become dots.
    /// </summary>
    public static string Escape(string text)
    {
        var plain = Words.Plain(text);
        return plain.Replace("&", "&amp;").Replace("<", "&lt;").Replace(">", "&gt;").Replace("\"", "&quot;");
    }

    /// <summary>Returns a coordinate as text.</summary>
    public static string At(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    /// <inheritdoc/>
    public override string ToString() => _text.ToString();

    private void Open(string element, ReadOnlySpan<(string Name, object Value)> attributes, string end)
    {
        _text.Append('<').Append(element);
        foreach (var (name, value) in attributes)
        {
            var text = value is double number ? At(number) : Convert.ToString(value, CultureInfo.InvariantCulture)!;
            _text.Append(' ').Append(name).Append("=\"").Append(Escape(text)).Append('"');
        }

        _text.Append(end);
    }
}
