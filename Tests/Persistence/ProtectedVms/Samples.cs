using System.Collections;
using System.Reflection;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Tests.Persistence.ProtectedVms;

/// <summary>
/// Makes an event of every type, so that none can be forgotten: values by type, the same for the same number.
/// </summary>
internal static class Samples
{
    private static readonly DateTimeOffset Start = new(2024, 3, 4, 9, 0, 0, TimeSpan.Zero);

    public static IEnumerable<Type> EventTypes => typeof(ProtectedVmEvent).GetNestedTypes()
        .Where(type => type.IsSubclassOf(typeof(ProtectedVmEvent)))
        .OrderBy(type => type.Name, StringComparer.Ordinal);

    /// <summary>An event of a type; 0 is the one whose bytes are golden.</summary>
    public static ProtectedVmEvent Event(Type type, int number) =>
        (ProtectedVmEvent)Make(type, number, false)! is ProtectedVmEvent.RecoveryPointSealed made && number % 2 == 1
            ? made with { Steady = new SteadyInstant(made.Point.Time, made.At) }
            : (ProtectedVmEvent)Make(type, number, false)!;

    private static object? Make(Type type, int number, bool optional)
    {
        if ((optional || Nullable.GetUnderlyingType(type) is not null) && number % 3 == 2)
        {
            return null;
        }

        var plain = Nullable.GetUnderlyingType(type) ?? type;
        return plain switch
        {
            _ when plain == typeof(string) => number % 5 == 4 ? "" : $"Text {number} ä\n\"",
            _ when plain == typeof(bool) => number % 2 == 0,
            _ when plain == typeof(int) => number + 3,
            _ when plain == typeof(long) => number % 4 == 3 ? long.MaxValue : (number * 1_000_003L) + 7,
            _ when plain == typeof(Guid) => new Guid(number + 1, 2, 3, [4, 5, 6, 7, 8, 9, 10, 11]),
            _ when plain == typeof(DateTimeOffset) => Start.AddTicks((number * 1_234_567_891L) + 17),
            _ when plain == typeof(TimeSpan) => TimeSpan.FromTicks((number * 7_654_321L) + 13),
            _ when plain == typeof(TimeOnly) => new TimeOnly(number % 24, 30, 15),
            _ when plain.IsEnum => Enum.GetValues(plain).GetValue(number % Enum.GetValues(plain).Length),
            _ when plain.IsGenericType && plain.GetGenericTypeDefinition() == typeof(ValueList<>) =>
                List(plain, number),
            _ => Construct(plain, number),
        };
    }

    private static object List(Type type, int number)
    {
        var item = type.GetGenericArguments()[0];
        var array = Array.CreateInstance(item, number % 4 == 1 ? 0 : 2);
        for (var index = 0; index < array.Length; index++)
        {
            array.SetValue(Make(item, number + index, false), index);
        }

        return typeof(ValueList).GetMethod(nameof(ValueList.ToValueList))!.MakeGenericMethod(item)
            .Invoke(null, [(IEnumerable)array])!;
    }

    private static object Construct(Type type, int number)
    {
        var constructor = type.GetConstructors().Single(made => made.GetParameters().Length > 0);
        var context = new NullabilityInfoContext();
        return constructor.Invoke([.. constructor.GetParameters().Select((parameter, index) => Make(
            parameter.ParameterType, number + index,
                context.Create(parameter).ReadState == NullabilityState.Nullable))]);
    }
}
