package p2pke

// The replay window: spec/sessions.md#replay-window.
const (
	windowBits  = 8128
	windowWords = windowBits/64 + 1
)

// Window remembers which counters were seen: all up to windowBits behind the highest one. The words form a ring; the words
// between the old highest counter and a new one are cleared when the highest counter grows.
type Window struct {
	highest uint32
	words   [windowWords]uint64
}

// Ask returns 0 if a packet with this counter may be accepted, and otherwise why not. It changes nothing.
func (w *Window) Ask(counter uint32) Drop {
	switch {
	case counter >= CounterClosing:
		return Replayed
	case counter > w.highest:
		return 0
	case w.highest-counter > windowBits:
		return TooOld
	case w.words[counter/64%windowWords]&(1<<(counter%64)) != 0:
		return Replayed
	}
	return 0
}

// Accept is Ask and, if the answer is 0, marks the counter as seen. Call it after the packet has authenticated.
func (w *Window) Accept(counter uint32) bool {
	if w.Ask(counter) != 0 {
		return false
	}
	if counter > w.highest {
		from, to := w.highest/64, counter/64
		if to-from >= windowWords {
			w.words = [windowWords]uint64{}
		} else {
			for i := from + 1; i <= to; i++ {
				w.words[i%windowWords] = 0
			}
		}
		w.highest = counter
	}
	w.words[counter/64%windowWords] |= 1 << (counter % 64)
	return true
}
