namespace PacketSec;

/// <summary>A datagram and the channel that it is to go out on.</summary>
/// <param name="Channel">The channel, of the endpoint that sends.</param>
/// <param name="Payload">1 to <see cref="PacketSecChannel.MaxDatagramSize"/> bytes.</param>
public readonly record struct OutgoingDatagram(PacketSecChannel Channel, ReadOnlyMemory<byte> Payload);
