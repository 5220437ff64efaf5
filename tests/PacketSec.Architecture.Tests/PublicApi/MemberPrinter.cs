using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace PacketSec.Architecture.Tests.PublicApi;

/// <summary>One member with the name it is sorted by.</summary>
internal readonly record struct PrintedMember(string Name, string Text);

/// <summary>Prints members as they would be declared, without bodies.</summary>
internal static class MemberPrinter
{
    private static readonly NullabilityInfoContext Nullability = new();

    public static PrintedMember Field(FieldInfo field)
    {
        var type = TypeNames.Of(Nullability.Create(field));
        var text = field.IsLiteral
            ? $"const {type} {field.Name} = {Literal(field.GetRawConstantValue())}"
            : $"{(field.IsStatic ? "static " : "")}{(field.IsInitOnly ? "readonly " : "")}{type} {field.Name}";
        return new(field.Name, Access(field.IsPublic) + text);
    }

    public static PrintedMember Signature(ConstructorInfo constructor, string name)
        => new(name, $"{Access(constructor.IsPublic)}{name}({Parameters(constructor)})");

    public static string Signature(MethodInfo method, string name)
        => $"{Return(method)} {name}({Parameters(method)})";

    public static PrintedMember Method(MethodInfo method)
    {
        var arguments = method.GetGenericArguments();
        var generic = arguments.Length == 0 ? "" : $"<{string.Join(", ", arguments.Select(argument => argument.Name))}>";
        var modifiers = Access(method.IsPublic) + Modifiers(method) + ReadOnly(method, method.DeclaringType!);
        var text = $"{modifiers}{Signature(method, method.Name + generic)}{TypeNames.Constraints(arguments)}";
        return new(method.Name, text);
    }

    public static PrintedMember Property(PropertyInfo property)
    {
        var accessors = property.GetAccessors(true);
        var any = accessors.First(accessor => accessor.IsPublic || accessor.IsFamily || accessor.IsFamilyOrAssembly);
        var index = property.GetIndexParameters();
        var name = index.Length == 0 ? property.Name : $"this[{string.Join(", ", index.Select(Parameter))}]";
        var required = property.IsDefined(typeof(RequiredMemberAttribute)) ? "required " : "";
        var text = $"{Access(any.IsPublic)}{required}{Modifiers(any)}{Reference(property)}{TypeNames.Of(Nullability.Create(property))} {name} {{ {Accessors(property)} }}";
        return new(property.Name, text);
    }

    public static PrintedMember Event(EventInfo added)
    {
        var adder = added.AddMethod!;
        return new(added.Name, $"{Access(adder.IsPublic)}{Modifiers(adder)}event {TypeNames.Of(Nullability.Create(added))} {added.Name}");
    }

    private static string Access(bool isPublic) => isPublic ? "" : "protected ";

    private static string Modifiers(MethodInfo method)
    {
        var @static = method.IsStatic ? "static " : "";
        if (method.DeclaringType!.IsInterface)
        {
            return @static + (method.IsStatic && method.IsAbstract ? "abstract " : !method.IsAbstract && !method.IsStatic ? "virtual " : "");
        }

        if (!method.IsVirtual || method.IsFinal)
        {
            return @static;
        }

        var overrides = method.GetBaseDefinition() != method;
        var core = method.IsAbstract ? "abstract " : overrides ? "" : "virtual ";
        return core + (overrides ? "override " : "");
    }

    private static string ReadOnly(MethodInfo method, Type declaring)
        => declaring.IsValueType && !declaring.IsDefined(typeof(IsReadOnlyAttribute)) && method.IsDefined(typeof(IsReadOnlyAttribute))
            ? "readonly "
            : "";

    private static string Accessors(PropertyInfo property)
    {
        var parts = new List<string>();
        if (property.GetMethod is { } getter && (getter.IsPublic || getter.IsFamily || getter.IsFamilyOrAssembly))
        {
            parts.Add("get;");
        }

        if (property.SetMethod is { } setter && (setter.IsPublic || setter.IsFamily || setter.IsFamilyOrAssembly))
        {
            var init = setter.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit));
            parts.Add((setter.IsPublic ? "" : "protected ") + (init ? "init;" : "set;"));
        }

        return string.Join(" ", parts);
    }

    private static string Return(MethodInfo method)
    {
        var type = TypeNames.Of(Nullability.Create(method.ReturnParameter));
        if (!method.ReturnType.IsByRef)
        {
            return type;
        }

        return (method.ReturnParameter.IsDefined(typeof(IsReadOnlyAttribute)) ? "ref readonly " : "ref ") + type;
    }

    private static string Reference(PropertyInfo property)
        => !property.PropertyType.IsByRef ? "" : property.GetMethod!.ReturnParameter.IsDefined(typeof(IsReadOnlyAttribute)) ? "ref readonly " : "ref ";

    private static string Parameters(MethodBase method)
    {
        var extension = method.IsDefined(typeof(ExtensionAttribute)) ? "this " : "";
        return extension + string.Join(", ", method.GetParameters().Select(Parameter));
    }

    private static string Parameter(ParameterInfo parameter)
    {
        var scoped = parameter.IsDefined(typeof(ScopedRefAttribute)) && !parameter.IsOut ? "scoped " : "";
        var direction = !parameter.ParameterType.IsByRef ? "" : parameter.IsOut ? "out " : parameter.IsIn ? "in " : "ref ";
        var many = parameter.IsDefined(typeof(ParamArrayAttribute)) || parameter.IsDefined(typeof(ParamCollectionAttribute)) ? "params " : "";
        var optional = !parameter.HasDefaultValue ? "" : $" = {Default(parameter)}";
        return $"{many}{scoped}{direction}{TypeNames.Of(Nullability.Create(parameter))} {parameter.Name}{optional}";
    }

    private static string Default(ParameterInfo parameter)
        => parameter.RawDefaultValue is null
            ? parameter.ParameterType.IsValueType && Nullable.GetUnderlyingType(parameter.ParameterType) is null ? "default" : "null"
            : parameter.ParameterType.IsEnum ? $"{parameter.ParameterType.Name}.{Enum.ToObject(parameter.ParameterType, parameter.RawDefaultValue)}" : Literal(parameter.RawDefaultValue);

    private static string Literal(object? value) => value switch
    {
        null => "null",
        bool flag => flag ? "true" : "false",
        string text => $"\"{text}\"",
        char letter => $"'{letter}'",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => throw new InvalidOperationException($"A constant of type {value.GetType()} has no literal."),
    };
}
