namespace ReplicationEngine.Simulation.Planner.Scenarios;

/// <summary>
/// A place in a file. Lines and columns count from 1, columns in bytes; line 0 stands for the whole file.
/// </summary>
/// <param name="File">The name of the file, as the user gave it.</param>
/// <param name="Line">The line, from 1; 0 for the whole file.</param>
/// <param name="Column">The column in bytes, from 1.</param>
internal readonly record struct Place(string File, int Line, int Column)
{
    /// <inheritdoc/>
    public override string ToString() => Line == 0 ? File : $"{File}:{Line}:{Column}";
}

/// <summary>The kind of a JSON value.</summary>
internal enum NodeKind
{
    /// <summary>A JSON object.</summary>
    Members,

    /// <summary>A JSON array.</summary>
    Items,

    /// <summary>A JSON string.</summary>
    Text,

    /// <summary>A JSON number; <see cref="Node.Text"/> holds it as it was written.</summary>
    Number,

    /// <summary>True or false; <see cref="Node.Text"/> holds it as text.</summary>
    Flag,

    /// <summary>The JSON value null.</summary>
    Null,
}

/// <summary>
/// A JSON value with its place in the file. Mutable, because a what-if changes the value before it is read.
/// </summary>
internal sealed class Node(NodeKind kind, Place place)
{
    /// <summary>The kind of the value.</summary>
    public NodeKind Kind => kind;

    /// <summary>The place at which the value begins.</summary>
    public Place Place => place;

    /// <summary>The text of a string, number or flag; empty for other kinds.</summary>
    public string Text { get; init; } = "";

    /// <summary>The members of an object, in order; empty for other kinds.</summary>
    public List<NodeMember> Members { get; } = [];

    /// <summary>The items of an array; empty for other kinds.</summary>
    public List<Node> Items { get; } = [];

    /// <summary>Creates a string at a place.</summary>
    public static Node Of(string text, Place place) => new(NodeKind.Text, place) { Text = text };

    /// <summary>Returns the value of a member; null when the object does not have it.</summary>
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

    /// <summary>Sets the value of a member, or adds the member at the end.</summary>
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

    /// <summary>Returns a copy that can be changed without a change of the original.</summary>
    public Node Copy()
    {
        var copy = new Node(kind, place) { Text = Text };
        copy.Members.AddRange(Members.Select(member => member with { Value = member.Value.Copy() }));
        copy.Items.AddRange(Items.Select(item => item.Copy()));
        return copy;
    }

    /// <summary>Returns a description of the value for people.</summary>
    public string Describe() => kind switch
    {
        NodeKind.Members => "an object",
        NodeKind.Items => "a list",
        NodeKind.Text => $"'{Text}'",
        NodeKind.Null => "null",
        _ => Text,
    };
}

/// <summary>A member of a JSON object.</summary>
/// <param name="Name">The member's name.</param>
/// <param name="Place">The place of the name.</param>
/// <param name="Value">The member's value.</param>
internal sealed record NodeMember(string Name, Place Place, Node Value);
