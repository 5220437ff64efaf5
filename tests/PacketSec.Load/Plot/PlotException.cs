namespace PacketSec.Load.Plot;

/// <summary>Something cannot be drawn; the message says what to do.</summary>
internal sealed class PlotException(string message) : Exception(message);
