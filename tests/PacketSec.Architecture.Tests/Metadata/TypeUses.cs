using Mono.Cecil;
using Mono.Cecil.Cil;

namespace PacketSec.Architecture.Tests.Metadata;

/// <summary>Every type that one type names: bases, members, attributes, locals and instructions, down to type arguments.</summary>
internal static class TypeUses
{
    public static HashSet<TypeReference> Of(TypeDefinition type)
    {
        var uses = new HashSet<TypeReference>();
        Add(uses, type.BaseType);
        foreach (var implemented in type.Interfaces)
        {
            Add(uses, implemented.InterfaceType);
        }

        AddParameters(uses, type);
        AddAttributes(uses, type);
        foreach (var field in type.Fields)
        {
            Add(uses, field.FieldType);
            AddAttributes(uses, field);
        }

        foreach (var property in type.Properties)
        {
            AddAttributes(uses, property);
        }

        foreach (var method in type.Methods)
        {
            AddMethod(uses, method);
        }

        return uses;
    }

    private static void AddMethod(HashSet<TypeReference> uses, MethodDefinition method)
    {
        AddSignature(uses, method);
        AddParameters(uses, method);
        AddAttributes(uses, method);
        if (!method.HasBody)
        {
            return;
        }

        foreach (var local in method.Body.Variables)
        {
            Add(uses, local.VariableType);
        }

        foreach (var handler in method.Body.ExceptionHandlers)
        {
            Add(uses, handler.CatchType);
        }

        foreach (var instruction in method.Body.Instructions)
        {
            AddOperand(uses, instruction);
        }
    }

    private static void AddOperand(HashSet<TypeReference> uses, Instruction instruction)
    {
        switch (instruction.Operand)
        {
            case TypeReference type:
                Add(uses, type);
                break;
            case FieldReference field:
                Add(uses, field.DeclaringType);
                Add(uses, field.FieldType);
                break;
            case MethodReference method:
                Add(uses, method.DeclaringType);
                AddSignature(uses, method);
                break;
            case CallSite site:
                AddSignature(uses, site);
                break;
        }
    }

    private static void AddSignature(HashSet<TypeReference> uses, IMethodSignature method)
    {
        Add(uses, method.ReturnType);
        foreach (var parameter in method.Parameters)
        {
            Add(uses, parameter.ParameterType);
        }

        if (method is GenericInstanceMethod instance)
        {
            foreach (var argument in instance.GenericArguments)
            {
                Add(uses, argument);
            }
        }
    }

    private static void AddParameters(HashSet<TypeReference> uses, IGenericParameterProvider provider)
    {
        foreach (var constraint in provider.GenericParameters.SelectMany(parameter => parameter.Constraints))
        {
            Add(uses, constraint.ConstraintType);
        }
    }

    private static void AddAttributes(HashSet<TypeReference> uses, ICustomAttributeProvider provider)
    {
        foreach (var attribute in provider.CustomAttributes)
        {
            Add(uses, attribute.AttributeType);
        }
    }

    private static void Add(HashSet<TypeReference> uses, TypeReference? type)
    {
        switch (type)
        {
            case null or GenericParameter:
                return;
            case GenericInstanceType instance:
                foreach (var argument in instance.GenericArguments)
                {
                    Add(uses, argument);
                }

                Add(uses, instance.ElementType);
                return;
            case IModifierType modified:
                Add(uses, modified.ModifierType);
                Add(uses, modified.ElementType);
                return;
            case FunctionPointerType pointer:
                AddSignature(uses, pointer);
                return;
            case TypeSpecification specification:
                Add(uses, specification.ElementType);
                return;
            default:
                uses.Add(type);
                return;
        }
    }
}
