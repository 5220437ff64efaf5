namespace PacketSec.Noise;

internal static class Placeholder;
