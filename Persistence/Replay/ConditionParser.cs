using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>Parses the language of <see cref="StateCondition"/>.</summary>
internal sealed class ConditionParser(string text)
{
    private const int MostNested = 64;
    private static readonly string[] Comparisons = ["==", "!=", "<=", ">=", "<", ">"];
    private readonly List<StatePath> _paths = [];
    private int _at;
    private int _nested;

    public IReadOnlyList<StatePath> Paths => _paths;

    public ConditionNode Read()
    {
        var condition = Or();
        SkipSpace();
        return _at == text.Length ? condition : throw Wrong($"'{text[_at]}' is unexpected");
    }

    private ConditionNode Or()
    {
        var left = And();
        while (TakeWord("or") || Take("||"))
        {
            left = new ConditionNode.Or(left, And());
        }

        return left;
    }

    private ConditionNode And()
    {
        var left = Single();
        while (TakeWord("and") || Take("&&"))
        {
            left = new ConditionNode.And(left, Single());
        }

        return left;
    }

    private ConditionNode Single()
    {
        if (++_nested > MostNested)
        {
            throw Wrong($"it is nested deeper than {MostNested}");
        }

        var node = Take("(") ? Closed() : IsNot() ? new ConditionNode.Not(Single()) : Comparison();
        _nested--;
        return node;
    }

    private bool IsNot()
    {
        SkipSpace();
        var different = string.CompareOrdinal(text, _at, "!=", 0, 2) == 0;
        return TakeWord("not") || (!different && Take("!"));
    }

    private ConditionNode Closed()
    {
        var inner = Or();
        return Take(")") ? inner : throw Wrong("a ')' is missing");
    }

    private ConditionNode Comparison()
    {
        var left = Operand();
        var comparison = TakeWord("contains") ? "contains" : Array.Find(Comparisons, Take);
        if (comparison is not null)
        {
            return new ConditionNode.Compared(left, comparison, Operand());
        }

        SkipSpace();
        return _at < text.Length && text[_at] == '='
            ? throw Wrong("'=' is unexpected; write '==' to compare")
            : new ConditionNode.Alone(left);
    }

    private Operand Operand()
    {
        SkipSpace();
        if (_at == text.Length)
        {
            throw Wrong("a path or a value is expected, but the text ends");
        }

        var next = text[_at];
        if (next is '"' or '\'')
        {
            return new Operand(JsonValue.Create(Quoted(next)), null);
        }

        if (char.IsAsciiDigit(next) || next == '-')
        {
            return new Operand(JsonValue.Create(Number()), null);
        }

        if (!IsNameStart(next))
        {
            throw Wrong($"a path or a value is expected, not '{next}'");
        }

        return TakeWord("true") ? new Operand(JsonValue.Create(true), null)
            : TakeWord("false") ? new Operand(JsonValue.Create(false), null)
            : TakeWord("null") ? new Operand(null, null)
            : new Operand(null, Path());
    }

    private string Quoted(char quote)
    {
        var begin = _at++;
        var content = new StringBuilder();
        while (_at < text.Length && text[_at] != quote)
        {
            _at += text[_at] == '\\' && _at + 1 < text.Length ? 1 : 0;
            content.Append(text[_at++]);
        }

        if (_at == text.Length)
        {
            _at = begin;
            throw Wrong("a string has no closing quote");
        }

        _at++;
        return content.ToString();
    }

    private decimal Number()
    {
        var begin = _at++;
        while (_at < text.Length && (char.IsAsciiDigit(text[_at]) || text[_at] == '.'))
        {
            _at++;
        }

        if (decimal.TryParse(text.AsSpan(begin, _at - begin), NumberStyles.Float, CultureInfo.InvariantCulture,
            out var number))
        {
            return number;
        }

        _at = begin;
        throw Wrong("this is not a number");
    }

    private StatePath Path()
    {
        var begin = _at;
        var steps = new List<object> { Name() };
        while (_at < text.Length)
        {
            if (text[_at] == '.')
            {
                _at++;
                steps.Add(_at < text.Length && IsNameStart(text[_at])
                    ? Name() : throw Wrong("a member name is expected after '.'"));
            }
            else if (text[_at] == '[')
            {
                _at++;
                steps.Add(Index());
            }
            else
            {
                break;
            }
        }

        var path = new StatePath(text[begin.._at], steps);
        _paths.Add(path);
        return path;
    }

    private string Name()
    {
        var begin = _at;
        while (_at < text.Length && (IsNameStart(text[_at]) || char.IsAsciiDigit(text[_at])))
        {
            _at++;
        }

        return text[begin.._at];
    }

    private object Index()
    {
        var end = text.IndexOf(']', _at);
        if (end >= 0 && int.TryParse(
            text.AsSpan(_at, end - _at), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var index))
        {
            _at = end + 1;
            return index;
        }

        throw Wrong("an integer and ']' are expected after '['");
    }

    private bool Take(string sign)
    {
        SkipSpace();
        if (string.CompareOrdinal(text, _at, sign, 0, sign.Length) != 0)
        {
            return false;
        }

        _at += sign.Length;
        return true;
    }

    private bool TakeWord(string word)
    {
        SkipSpace();
        var end = _at + word.Length;
        return string.CompareOrdinal(text, _at, word, 0, word.Length) == 0
            && (end >= text.Length || !(IsNameStart(text[end]) || char.IsAsciiDigit(text[end]) || text[end] == '.'))
            && Take(word);
    }

    private void SkipSpace()
    {
        while (_at < text.Length && char.IsWhiteSpace(text[_at]))
        {
            _at++;
        }
    }

    private static bool IsNameStart(char sign) => char.IsAsciiLetter(sign) || sign is '_' or '$';

    private ConditionException Wrong(string what) => new(text, _at, what);
}
