using System.Collections;
using System.Reflection;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Tests.Persistence.ProtectedVms;

/// <summary>
/// Makes an event or command of every type, so that none can be forgotten: values by type, the same for the same
/// number. Numbers below <see cref="FirstRandom"/> are used by golden bytes and give plain values, those above give
/// values from the whole range of each type.
/// </summary>
internal static class Samples
{
    /// <summary>The first number whose values are random ones.</summary>
    public const int FirstRandom = 1_000;

    private static readonly DateTimeOffset Start = new(2024, 3, 4, 9, 0, 0, TimeSpan.Zero);

    public static IEnumerable<Type> EventTypes => Cases(typeof(ProtectedVmEvent));

    public static IEnumerable<Type> CommandTypes => Cases(typeof(ProtectedVmCommand));

    public static ProtectedVmEvent Event(Type type, int number) => (ProtectedVmEvent)Construct(type, number);

    public static ProtectedVmCommand Command(Type type, int number) => (ProtectedVmCommand)Construct(type, number);

    /// <summary>
    /// The numbers whose bytes are golden: three that differ in what is absent, or as many as bring every case of the
    /// closed hierarchies that are part of the type.
    /// </summary>
    public static IEnumerable<int> GoldenNumbers(Type type) => Enumerable.Range(0, type.GetProperties()
        .Where(property => property.CanWrite && property.PropertyType.IsAbstract)
        .Select(property => Cases(property.PropertyType).Count())
        .Append(3)
        .Max());

    /// <summary>The cases of a closed hierarchy, by name.</summary>
    public static IEnumerable<Type> Cases(Type hierarchy) => hierarchy.GetNestedTypes()
        .Where(type => type.IsSubclassOf(hierarchy))
        .OrderBy(type => type.Name, StringComparer.Ordinal);

    private static object? Make(Type type, int number, bool optional)
    {
        if ((optional || Nullable.GetUnderlyingType(type) is not null) && number % 3 == 2)
        {
            return null;
        }

        var plain = Nullable.GetUnderlyingType(type) ?? type;
        var random = number < FirstRandom ? null : new Random(number);
        return plain switch
        {
            _ when plain == typeof(string) => random is null
                ? number % 5 == 4 ? "" : $"Text {number} ä\n\"" : Text(random),
            _ when plain == typeof(bool) => number % 2 == 0,
            _ when plain == typeof(int) => random?.Next(int.MinValue, int.MaxValue) ?? number + 3,
            _ when plain == typeof(long) => random?.NextInt64(long.MinValue, long.MaxValue)
                ?? (number % 4 == 3 ? long.MaxValue : (number * 1_000_003L) + 7),
            _ when plain == typeof(Guid) => new Guid(number + 1, 2, 3, [4, 5, 6, 7, 8, 9, 10, 11]),
            _ when plain == typeof(DateTimeOffset) => random is null
                ? Start.AddTicks((number * 1_234_567_891L) + 17)
                : new DateTimeOffset(random.NextInt64(DateTimeOffset.MaxValue.Ticks), TimeSpan.Zero),
            _ when plain == typeof(TimeSpan) => TimeSpan.FromTicks(
                random?.NextInt64(long.MinValue, long.MaxValue) ?? (number * 7_654_321L) + 13),
            _ when plain == typeof(TimeOnly) => random is null
                ? new TimeOnly(number % 24, 30, 15) : new TimeOnly(random.NextInt64(TimeSpan.TicksPerDay)),
            _ when plain.IsEnum => Enum.GetValues(plain).GetValue(number % Enum.GetValues(plain).Length),
            _ when plain.IsGenericType && plain.GetGenericTypeDefinition() == typeof(ValueList<>) =>
                List(plain, number),
            { IsAbstract: true } => Construct(Cases(plain).ElementAt(number % Cases(plain).Count()), number),
            _ => Construct(plain, number),
        };
    }

    private static string Text(Random random) => string.Concat(Enumerable.Range(0, random.Next(40)).Select(
        _ => random.Next(4) == 0 ? char.ConvertFromUtf32(0x1F300 + random.Next(64)) : $"{(char)random.Next(0xD800)}"));

    private static object List(Type type, int number)
    {
        var item = type.GetGenericArguments()[0];
        var array = Array.CreateInstance(item, number % 4 == 1 ? 0 : number < FirstRandom ? 2 : number % 40);
        for (var index = 0; index < array.Length; index++)
        {
            array.SetValue(Make(item, number + index, false), index);
        }

        return typeof(ValueList).GetMethod(nameof(ValueList.ToValueList))!.MakeGenericMethod(item)
            .Invoke(null, [(IEnumerable)array])!;
    }

    // Through the constructor with most parameters, and then the properties that it does not set.
    private static object Construct(Type type, int number)
    {
        var constructor = type.GetConstructors().MaxBy(made => made.GetParameters().Length)!;
        var parameters = constructor.GetParameters();
        var context = new NullabilityInfoContext();
        var made = constructor.Invoke([.. parameters.Select((parameter, index) => Make(
            parameter.ParameterType, number + index,
                context.Create(parameter).ReadState == NullabilityState.Nullable))]);
        var others = type.GetProperties().Where(property => property.CanWrite
            && parameters.All(parameter => parameter.Name != property.Name)).ToList();
        foreach (var property in others)
        {
            property.SetValue(made, Make(
                property.PropertyType, number + parameters.Length + others.IndexOf(property),
                context.Create(property).ReadState == NullabilityState.Nullable));
        }

        return made;
    }
}
