using System.Runtime.CompilerServices;

namespace PacketSec.Protocol.Sessions;

/// <summary>
/// The sliding window of RFC 6479: a ring of 64-bit words, so that moving it clears words and shifts nothing.
/// </summary>
/// <remarks>
/// Split in two, because an unauthenticated packet must not move it: <see cref="WouldAccept"/> before the cipher, <see cref="Commit"/> after.
/// Not thread-safe. A part of its session and no object of its own: with many sessions each object costs a packet a miss of the caches.
/// </remarks>
internal struct ReplayWindow
{
    private const int BitsPerWord = 64;
    private const int Words = 128;

    // One word less than the ring: the word that the highest counter is in is only partly filled.
    private const uint Window = (Words - 1) * BitsPerWord;

    private uint _highest;
    private Ring _ring;

    /// <summary>Gets the highest counter committed, 0 before the first.</summary>
    public readonly uint Highest => _highest;

    /// <summary>Tells whether a counter is new and not behind the window, and which of the two it is otherwise.</summary>
    //= spec/sessions.md#replay-window
    public readonly DropReason WouldAccept(uint counter)
    {
        if (counter >= SpecLimits.ClosingCounter)
        {
            return DropReason.TooOld;
        }

        if (counter > _highest)
        {
            return DropReason.None;
        }

        if (_highest - counter > Window)
        {
            return DropReason.TooOld;
        }

        return (_ring[Word(counter)] & Bit(counter)) == 0 ? DropReason.None : DropReason.Replayed;
    }

    /// <summary>Marks an authenticated counter that <see cref="WouldAccept"/> took.</summary>
    public void Commit(uint counter)
    {
        if (counter > _highest)
        {
            var first = _highest / BitsPerWord;
            var steps = Math.Min((counter / BitsPerWord) - first, Words);
            for (uint i = 1; i <= steps; i++)
            {
                _ring[(int)((first + i) % Words)] = 0;
            }

            _highest = counter;
        }

        _ring[Word(counter)] |= Bit(counter);
    }

    /// <summary>Asks for the word that the next counter is most likely in.</summary>
    public readonly void Fetch() => CacheLines.Fetch(in _ring[Word(_highest)]);

    public readonly void AddTo(StateDigestBuilder digest)
    {
        digest.Add(_highest);
        foreach (var word in _ring)
        {
            digest.Add(unchecked((long)word));
        }
    }

    private static int Word(uint counter) => (int)(counter / BitsPerWord % Words);

    private static ulong Bit(uint counter) => 1UL << (int)(counter % BitsPerWord);

    [InlineArray(Words)]
    private struct Ring
    {
        private ulong _first;
    }
}
