using System.Reflection;
using System.Runtime.CompilerServices;

namespace PacketSec.Architecture.Tests.PublicApi;

/// <summary>
/// Prints what others can see of an assembly as lines that read like C#: types by full name, members sorted, so that a change of the public
/// surface is a change of few lines.
/// </summary>
internal static class ApiPrinter
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    public static IReadOnlyList<string> Print(Assembly assembly)
    {
        var lines = new List<string>();
        foreach (var type in assembly.GetExportedTypes().OrderBy(type => type.FullName, StringComparer.Ordinal))
        {
            if (lines.Count > 0)
            {
                lines.Add("");
            }

            lines.Add(Header(type));
            lines.AddRange(Members(type).Select(member => "    " + member));
        }

        return lines;
    }

    private static string Header(Type type)
    {
        if (typeof(Delegate).IsAssignableFrom(type))
        {
            return $"delegate {MemberPrinter.Signature(type.GetMethod("Invoke")!, TypeNames.Full(type))}";
        }

        var bases = new List<string>();
        if (type.IsEnum)
        {
            bases.AddRange(Enum.GetUnderlyingType(type) == typeof(int) ? [] : [TypeNames.Of(Enum.GetUnderlyingType(type))]);
        }
        else
        {
            bases.AddRange(type.IsValueType || type.BaseType is null || type.BaseType == typeof(object) ? [] : [TypeNames.Of(type.BaseType)]);
            bases.AddRange(OwnInterfaces(type).Select(TypeNames.Of).Order(StringComparer.Ordinal));
        }

        var tail = bases.Count == 0 ? "" : $" : {string.Join(", ", bases)}";
        return $"{Kind(type)} {TypeNames.Full(type)}{tail}{TypeNames.Constraints(type.GetGenericArguments())}";
    }

    private static string Kind(Type type)
    {
        if (type.IsEnum)
        {
            return type.IsDefined(typeof(FlagsAttribute)) ? "[Flags] enum" : "enum";
        }

        if (type.IsInterface)
        {
            return "interface";
        }

        if (type.IsValueType)
        {
            var @readonly = type.IsDefined(typeof(IsReadOnlyAttribute)) ? "readonly " : "";
            return @readonly + (type.IsByRefLike ? "ref " : "") + (IsRecord(type) ? "record struct" : "struct");
        }

        var modifier = (type.IsAbstract, type.IsSealed) switch
        {
            (true, true) => "static ",
            (true, false) => "abstract ",
            (false, true) => "sealed ",
            _ => "",
        };
        return modifier + (IsRecord(type) ? "record" : "class");
    }

    private static bool IsRecord(Type type)
        => type.GetMethod("PrintMembers", Declared) is { } printer && printer.IsDefined(typeof(CompilerGeneratedAttribute));

    private static IEnumerable<Type> OwnInterfaces(Type type)
    {
        var all = type.GetInterfaces().Where(candidate => candidate.IsVisible).ToList();
        var inherited = all.SelectMany(candidate => candidate.GetInterfaces())
            .Concat(type.BaseType?.GetInterfaces() ?? []);
        return all.Except(inherited);
    }

    private static IEnumerable<string> Members(Type type)
    {
        if (typeof(Delegate).IsAssignableFrom(type))
        {
            return [];
        }

        if (type.IsEnum)
        {
            return Enum.GetNames(type).Select(name => $"{name} = {Enum.Format(type, Enum.Parse(type, name), "D")}");
        }

        // Fields first, then constructors, properties, events and methods, each in the order of their names.
        var fields = type.GetFields(Declared).Where(IsVisible).Select(MemberPrinter.Field);
        var constructors = type.GetConstructors(Declared).Where(IsVisible)
            .Select(constructor => MemberPrinter.Signature(constructor, type.Name.Split('`')[0]));
        var properties = type.GetProperties(Declared).Where(property => property.GetAccessors(true).Any(IsWritten)).Select(MemberPrinter.Property);
        var events = type.GetEvents(Declared).Where(added => IsVisible(added.AddMethod!)).Select(MemberPrinter.Event);
        var methods = type.GetMethods(Declared)
            .Where(method => IsWritten(method) && !(method.IsSpecialName && !method.Name.StartsWith("op_", StringComparison.Ordinal)))
            .Where(method => !method.IsDefined(typeof(CompilerGeneratedAttribute)))
            .Select(MemberPrinter.Method);
        return new[] { fields, constructors, properties, events, methods }
            .SelectMany(group => group.OrderBy(member => member.Name, StringComparer.Ordinal).ThenBy(member => member.Text, StringComparer.Ordinal))
            .Select(member => member.Text);
    }

    private static bool IsVisible(FieldInfo field) => field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly;

    private static bool IsVisible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    // What a record overrides for itself follows from its being one.
    private static bool IsWritten(MethodInfo method)
        => IsVisible(method)
            && !(method.Name == "get_EqualityContract" && method.DeclaringType is { } type && IsRecord(type));
}
