namespace ReplicationEngine.Simulation.Planner.Scenarios;

/// <summary>Where something stands in a file; lines and columns count from 1, columns in bytes.</summary>
/// <param name="File">The file, as it was named.</param>
/// <param name="Line">The line.</param>
/// <param name="Column">The column.</param>
internal readonly record struct Place(string File, int Line, int Column)
{
    /// <inheritdoc/>
    public override string ToString() => Line == 0 ? File : $"{File}:{Line}:{Column}";
}

/// <summary>What a JSON value is.</summary>
internal enum NodeKind
{
    /// <summary>An object.</summary>
    Members,

    /// <summary>An array.</summary>
    Items,

    /// <summary>A string.</summary>
    Text,

    /// <summary>A number; <see cref="Node.Text"/> is as it was written.</summary>
    Number,

    /// <summary>True or false, as text.</summary>
    Flag,

    /// <summary>Null.</summary>
    Null,
}

/// <summary>A JSON value that knows where it stands. Mutable: a what-if changes it before it is read.</summary>
internal sealed class Node(NodeKind kind, Place place)
{
    /// <summary>What it is.</summary>
    public NodeKind Kind => kind;

    /// <summary>Where it begins.</summary>
    public Place Place => place;

    /// <summary>The text of a string, number or flag.</summary>
    public string Text { get; init; } = "";

    /// <summary>The members of an object, in order.</summary>
    public List<NodeMember> Members { get; } = [];

    /// <summary>The items of an array.</summary>
    public List<Node> Items { get; } = [];

    /// <summary>A string at a place.</summary>
    public static Node Of(string text, Place place) => new(NodeKind.Text, place) { Text = text };

    /// <summary>The value of a member; null when there is none.</summary>
    public Node? Find(string name)
    {
        foreach (var member in Members)
        {
            if (string.Equals(member.Name, name, StringComparison.Ordinal))
            {
                return member.Value;
            }
        }

        return null;
    }

    /// <summary>Sets a member, or adds it at the end.</summary>
    public void Set(string name, Node value)
    {
        var index = Members.FindIndex(member => string.Equals(member.Name, name, StringComparison.Ordinal));
        if (index < 0)
        {
            Members.Add(new NodeMember(name, value.Place, value));
        }
        else
        {
            Members[index] = Members[index] with { Value = value };
        }
    }

    /// <summary>A copy that can be changed without changing this one.</summary>
    public Node Copy()
    {
        var copy = new Node(kind, place) { Text = Text };
        copy.Members.AddRange(Members.Select(member => member with { Value = member.Value.Copy() }));
        copy.Items.AddRange(Items.Select(item => item.Copy()));
        return copy;
    }

    /// <summary>What it is, for people.</summary>
    public string Describe() => kind switch
    {
        NodeKind.Members => "an object",
        NodeKind.Items => "a list",
        NodeKind.Text => $"'{Text}'",
        NodeKind.Null => "null",
        _ => Text,
    };
}

/// <summary>A member of an object.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Place">Where its name stands.</param>
/// <param name="Value">Its value.</param>
internal sealed record NodeMember(string Name, Place Place, Node Value);
