namespace PacketSec.Exploration.Model;

/// <summary>What can happen next.</summary>
internal enum StepKind : byte
{
    /// <summary>A packet arrives.</summary>
    Deliver,

    /// <summary>A packet is lost.</summary>
    Drop,

    /// <summary>A packet is there twice.</summary>
    Duplicate,

    /// <summary>A side's clock moves to its next timer.</summary>
    Timer,

    Connect,
    Cancel,
    Restart,
    Forge,
}

/// <summary>One step of a schedule.</summary>
/// <param name="Kind">What happens.</param>
/// <param name="Side">To whom, or to a packet on its way to whom: 0 for A, 1 for B.</param>
/// <param name="Index">Which packet in flight, or which of a side's hypotheses a forged first packet is for.</param>
/// <param name="Forgery">What is forged.</param>
internal readonly record struct Step(StepKind Kind, byte Side, byte Index = 0, Forgery Forgery = default)
{
    public uint Pack() => ((uint)Kind << 24) | ((uint)Side << 16) | ((uint)Index << 8) | (uint)Forgery;

    public static Step Unpack(uint packed)
        => new((StepKind)(packed >> 24), (byte)((packed >> 16) & 0xFF), (byte)((packed >> 8) & 0xFF), (Forgery)(packed & 0xFF));
}
