namespace PacketSec.Exploration.Model;

/// <summary>
/// Hashes a sequence of numbers to 128 bits. No cryptography: nobody chooses the numbers, and a million states collide with a probability of
/// some 10^-27.
/// </summary>
internal struct Mixer
{
    private ulong _first;
    private ulong _second;

    public Mixer(ulong seed)
    {
        _first = seed ^ 0x9E3779B97F4A7C15;
        _second = seed ^ 0xD1B54A32D192ED03;
    }

    public readonly UInt128 Value => new(Finish(_first ^ (_second >> 7)), Finish(_second ^ (_first << 9)));

    /// <summary>Gets 64 bits of it.</summary>
    public readonly ulong Short => Finish(_first ^ _second);

    /// <summary>Makes a name out of numbers: the same ones always give the same name.</summary>
    public static ulong Name(ulong first, ulong second, ulong third, ulong fourth = 0)
    {
        var mixer = new Mixer(1);
        mixer.Add(first);
        mixer.Add(second);
        mixer.Add(third);
        mixer.Add(fourth);
        return mixer.Short;
    }

    public void Add(ulong value)
    {
        unchecked
        {
            var high = Math.BigMul(_first ^ value, 0xA0761D6478BD642F, out var low);
            _first = high ^ low ^ _second;
            _second = ((_second ^ value) * 0xE7037ED1A0B428DB) + ulong.RotateLeft(_first, 23);
        }
    }

    public void Add(long value) => Add(unchecked((ulong)value));

    public void Add(bool value) => Add(value ? 1UL : 2UL);

    public void Add(UInt128 value)
    {
        Add(unchecked((ulong)(value >> 64)));
        Add(unchecked((ulong)value));
    }

    public void Add(ReadOnlySpan<byte> bytes)
    {
        Add((ulong)bytes.Length);
        while (bytes.Length >= 8)
        {
            Add(BitConverter.ToUInt64(bytes));
            bytes = bytes[8..];
        }

        if (!bytes.IsEmpty)
        {
            Span<byte> rest = stackalloc byte[8];
            rest.Clear();
            bytes.CopyTo(rest);
            Add(BitConverter.ToUInt64(rest));
        }
    }

    private static ulong Finish(ulong value)
    {
        unchecked
        {
            value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
            value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
            return value ^ (value >> 31);
        }
    }
}
