using System.Collections.Frozen;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace PacketSec.Architecture.Tests.PublicApi;

/// <summary>Writes types as C# would: keywords, <c>?</c> for what may be null, arguments in angle brackets, no namespaces.</summary>
internal static class TypeNames
{
    private static readonly FrozenDictionary<Type, string> Keywords = new Dictionary<Type, string>
    {
        [typeof(void)] = "void",
        [typeof(object)] = "object",
        [typeof(string)] = "string",
        [typeof(bool)] = "bool",
        [typeof(char)] = "char",
        [typeof(byte)] = "byte",
        [typeof(sbyte)] = "sbyte",
        [typeof(short)] = "short",
        [typeof(ushort)] = "ushort",
        [typeof(int)] = "int",
        [typeof(uint)] = "uint",
        [typeof(long)] = "long",
        [typeof(ulong)] = "ulong",
        [typeof(nint)] = "nint",
        [typeof(nuint)] = "nuint",
        [typeof(float)] = "float",
        [typeof(double)] = "double",
        [typeof(decimal)] = "decimal",
    }.ToFrozenDictionary();

    /// <summary>The name with its namespace and outer types, as a declaration has it.</summary>
    public static string Full(Type type)
    {
        var name = type.Name.Split('`')[0] + Arguments(OwnArguments(type), Of);
        return type.DeclaringType is { } outer ? $"{Full(outer)}.{name}" : $"{type.Namespace}.{name}";
    }

    public static string Of(Type type)
    {
        if (type.IsByRef)
        {
            return Of(type.GetElementType()!);
        }

        if (type.IsArray)
        {
            return Of(type.GetElementType()!) + "[]";
        }

        if (type.IsPointer)
        {
            return Of(type.GetElementType()!) + "*";
        }

        if (Nullable.GetUnderlyingType(type) is { } underlying)
        {
            return Of(underlying) + "?";
        }

        return Keywords.TryGetValue(type, out var keyword) ? keyword : Nested(type) + Arguments(OwnArguments(type), Of);
    }

    public static string Of(NullabilityInfo info)
    {
        var type = info.Type.IsByRef ? info.Type.GetElementType()! : info.Type;
        var mark = !type.IsValueType && info.ReadState == NullabilityState.Nullable ? "?" : "";
        if (type.IsArray && info.ElementType is { } element)
        {
            return $"{Of(element)}[]{mark}";
        }

        // A tuple's or a nullable value's arguments are printed from the type: their states are not kept at every depth.
        if (info.GenericTypeArguments.Length == 0 || Nullable.GetUnderlyingType(type) is not null)
        {
            return Of(type) + mark;
        }

        return Nested(type) + $"<{string.Join(", ", info.GenericTypeArguments.Select(Of))}>{mark}";
    }

    public static string Constraints(Type[] arguments)
    {
        var clauses = from argument in arguments
                      where argument.IsGenericParameter
                      let constraints = string.Join(", ", ConstraintsOf(argument))
                      where constraints.Length > 0
                      select $" where {argument.Name} : {constraints}";
        return string.Concat(clauses);
    }

    private static IEnumerable<string> ConstraintsOf(Type parameter)
    {
        var attributes = parameter.GenericParameterAttributes;
        var isStruct = attributes.HasFlag(GenericParameterAttributes.NotNullableValueTypeConstraint);
        if (isStruct)
        {
            yield return parameter.IsDefined(typeof(IsUnmanagedAttribute)) ? "unmanaged" : "struct";
        }
        else if (attributes.HasFlag(GenericParameterAttributes.ReferenceTypeConstraint))
        {
            yield return "class";
        }

        foreach (var constraint in parameter.GetGenericParameterConstraints().Where(constraint => constraint != typeof(ValueType)))
        {
            yield return Of(constraint);
        }

        if (!isStruct && attributes.HasFlag(GenericParameterAttributes.DefaultConstructorConstraint))
        {
            yield return "new()";
        }

        if (attributes.HasFlag(GenericParameterAttributes.AllowByRefLike))
        {
            yield return "allows ref struct";
        }
    }

    private static string Nested(Type type)
    {
        var name = type.Name.Split('`')[0];
        return type is { IsNested: true, IsGenericParameter: false } ? $"{Nested(type.DeclaringType!)}.{name}" : name;
    }

    private static IEnumerable<Type> OwnArguments(Type type)
        => type.GetGenericArguments().Skip(type.DeclaringType?.GetGenericArguments().Length ?? 0);

    private static string Arguments(IEnumerable<Type> arguments, Func<Type, string> print)
    {
        var list = arguments.ToList();
        return list.Count == 0 ? "" : $"<{string.Join(", ", list.Select(print))}>";
    }
}
