namespace PacketSec.Protocol.Streams;

/// <summary>Which of the two sides of a connection one is: it decides on the numbers of the streams that one opens.</summary>
internal enum StreamSide
{
    /// <summary>The side with the smaller peer ID, which opens streams with even numbers.</summary>
    Even = 0,

    /// <summary>The side with the larger peer ID, which opens streams with odd numbers.</summary>
    Odd = 1,
}

/// <summary>What the number of a stream says: bit 0 tells who opened it, bit 1 whether it has one direction, the rest counts.</summary>
//= rfc9000#section-2.1
internal static class StreamId
{
    /// <summary>How many streams of a kind there can be, 2^60.</summary>
    public const long MaxCount = 1L << 60;

    /// <summary>How many kinds there are: two openers times two kinds of direction.</summary>
    public const int Kinds = 4;

    public static long Create(StreamSide opener, bool bidirectional, long index) => (index << 2) | (bidirectional ? 0L : 2L) | (long)opener;

    public static StreamSide Opener(long id) => (StreamSide)(id & 1);

    public static bool IsBidirectional(long id) => (id & 2) == 0;

    /// <summary>Returns the place among the streams of its kind, from 0.</summary>
    public static long Index(long id) => id >> 2;

    /// <summary>Returns the kind, 0 to 3.</summary>
    public static int Kind(long id) => (int)(id & 3);
}
