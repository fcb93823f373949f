using System.Collections;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;

namespace ReplicationEngine.Engine.Kernel;

/// <summary>
/// An immutable list with value equality: two lists are equal when they hold equal items in the same order. Commands,
/// events and states that contain lists can therefore be compared as values. The default value is the empty list.
/// </summary>
[CollectionBuilder(typeof(ValueList), nameof(ValueList.Create))]
public readonly struct ValueList<T> : IReadOnlyList<T>, IEquatable<ValueList<T>>
{
    private readonly ImmutableArray<T> _items;

    internal ValueList(ImmutableArray<T> items) => _items = items;

    /// <inheritdoc/>
    public int Count => _items.IsDefault ? 0 : _items.Length;

    /// <summary>The items as an array, never the default array.</summary>
    public ImmutableArray<T> Items => _items.IsDefault ? [] : _items;

    /// <inheritdoc/>
    public T this[int index] => _items[index];

    /// <summary>Returns a list with one more item at the end.</summary>
    public ValueList<T> Add(T item) => new(Items.Add(item));

    /// <summary>Returns a list with one more item at an index.</summary>
    public ValueList<T> Insert(int index, T item) => new(Items.Insert(index, item));

    /// <summary>Returns a list with the item at an index replaced.</summary>
    public ValueList<T> SetItem(int index, T item) => new(Items.SetItem(index, item));

    /// <summary>Returns a list without the items that match.</summary>
    public ValueList<T> RemoveAll(Predicate<T> match) => new(Items.RemoveAll(match));

    /// <summary>Returns the index of the first item that matches, or -1.</summary>
    public int IndexOf(Predicate<T> match)
    {
        for (var index = 0; index < Count; index++)
        {
            if (match(_items[index]))
            {
                return index;
            }
        }

        return -1;
    }

    /// <summary>Whether the list contains an equal item.</summary>
    public bool Contains(T item) => Items.Contains(item);

    /// <inheritdoc cref="IEnumerable{T}.GetEnumerator"/>
    public ImmutableArray<T>.Enumerator GetEnumerator() => Items.GetEnumerator();

    /// <inheritdoc/>
    IEnumerator<T> IEnumerable<T>.GetEnumerator() => ((IEnumerable<T>)Items).GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => ((IEnumerable)Items).GetEnumerator();

    /// <inheritdoc/>
    public bool Equals(ValueList<T> other) => Items.AsSpan().SequenceEqual(other.Items.AsSpan());

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is ValueList<T> other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => Count == 0 ? 0 : HashCode.Combine(Count, _items[0], _items[^1]);

    /// <inheritdoc/>
    public override string ToString() => $"[{string.Join(", ", Items)}]";

    /// <summary>Whether two lists hold equal items in the same order.</summary>
    public static bool operator ==(ValueList<T> left, ValueList<T> right) => left.Equals(right);

    /// <summary>Whether two lists differ in an item or in order.</summary>
    public static bool operator !=(ValueList<T> left, ValueList<T> right) => !left.Equals(right);
}

/// <summary>Creates <see cref="ValueList{T}"/> instances.</summary>
public static class ValueList
{
    /// <summary>Creates a list of the given items. Collection expressions call this method.</summary>
    public static ValueList<T> Create<T>(ReadOnlySpan<T> items) => new([.. items]);

    /// <summary>Creates a list of the items of a sequence.</summary>
    public static ValueList<T> ToValueList<T>(this IEnumerable<T> items) => new([.. items]);
}
