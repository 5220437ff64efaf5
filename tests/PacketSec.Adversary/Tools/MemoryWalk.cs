using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using PacketSec.Crypto;

namespace PacketSec.Adversary.Tools;

/// <summary>
/// Reads the memory of objects as a thief does: everything that can be reached from them over fields of any visibility, as far as it holds bytes. The
/// random source is left out: in production it is the operating system's. So is the provider with its keys and contexts, whose memory is native:
/// <see cref="WatchedCrypto"/> knows what is in there.
/// </summary>
internal sealed class MemoryWalk
{
    private static readonly Dictionary<Type, FieldInfo[]> Fields = [];

    private readonly HashSet<object> _visited = new(ReferenceEqualityComparer.Instance);
    private readonly Stack<object> _open = [];
    private readonly List<byte[]> _found = [];

    public IEnumerable<byte[]> Found => _found;

    public void Add(object root)
    {
        _open.Push(root);
        while (_open.TryPop(out var next))
        {
            Visit(next);
        }
    }

    private void Visit(object next)
    {
        var type = next.GetType();
        if (next is byte[] bytes)
        {
            if (_visited.Add(bytes))
            {
                _found.Add(bytes);
            }

            return;
        }

        if (type.IsPrimitive || type.IsEnum || type.IsPointer || next is string or Type or Assembly or Pointer
            or IRandomSource or ICryptoProvider or X25519PrivateKey or Ed25519PrivateKey or AeadContext)
        {
            return;
        }

        if (next is Delegate function)
        {
            Push(function.Target);
            return;
        }

        // Structs are boxed anew each time they are read: only objects can be met twice.
        if (!type.IsValueType && !_visited.Add(next))
        {
            return;
        }

        if (next is Array array)
        {
            var element = type.GetElementType()!;
            if (element.IsPrimitive || element.IsEnum)
            {
                AddPrimitives(array);
                return;
            }

            foreach (var item in array)
            {
                Push(item);
            }

            return;
        }

        if (type.GetCustomAttribute<InlineArrayAttribute>() is not null && Inline(next) is { } inline)
        {
            _found.Add(inline);
            return;
        }

        foreach (var field in FieldsOf(type))
        {
            Push(field.GetValue(next));
        }
    }

    private void Push(object? value)
    {
        if (value is not null)
        {
            _open.Push(value);
        }
    }

    private void AddPrimitives(Array array)
    {
        if (array.Length > 0)
        {
            var bytes = new byte[Buffer.ByteLength(array)];
            Buffer.BlockCopy(array, 0, bytes, 0, bytes.Length);
            _found.Add(bytes);
        }
    }

    private static byte[]? Inline(object boxed)
    {
        var element = boxed.GetType().GetFields(BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public).Single().FieldType;
        if (!element.IsPrimitive)
        {
            return null;
        }

        // The data of a boxed struct begin where its first field is.
        var size = Marshal.SizeOf(element) * boxed.GetType().GetCustomAttribute<InlineArrayAttribute>()!.Length;
        ref var data = ref Unsafe.As<RawData>(boxed).First;
        return MemoryMarshal.CreateReadOnlySpan(ref data, size).ToArray();
    }

    private static FieldInfo[] FieldsOf(Type type)
    {
        lock (Fields)
        {
            if (!Fields.TryGetValue(type, out var fields))
            {
                var all = new List<FieldInfo>();
                for (var at = type; at is not null && at != typeof(object); at = at.BaseType)
                {
                    all.AddRange(at.GetFields(BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public | BindingFlags.DeclaredOnly)
                        .Where(field => !field.FieldType.IsPointer && !field.FieldType.IsPrimitive && !field.FieldType.IsEnum && !field.FieldType.IsByRefLike));
                }

                Fields[type] = fields = [.. all];
            }

            return fields;
        }
    }

    private sealed class RawData
    {
#pragma warning disable CS0649 // It is never made: it gives the data of another object a name.
        public byte First;
#pragma warning restore CS0649
    }
}
