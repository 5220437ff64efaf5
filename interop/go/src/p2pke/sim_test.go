package p2pke

import (
	"encoding/binary"
	"math/rand"
	"net/netip"
	"sort"
	"testing"
	"time"

	"psec"
)

// world is a network of cores in virtual time.
type world struct {
	t     testing.TB
	rng   *rand.Rand
	now   Instant
	wall  time.Time
	delay time.Duration
	// jitter is by how much more a datagram may be under way, so that they overtake one another.
	jitter time.Duration
	// lose decides the fate of a datagram; nil loses nothing.
	lose   func(from, to *host, b []byte) bool
	flight []flight
	hosts  []*host
	seq    int
}

type flight struct {
	at       Instant
	seq      int
	from, to netip.AddrPort
	b        []byte
}

type host struct {
	w      *world
	name   string
	addr   netip.AddrPort
	id     *Identity
	core   *Core
	cfg    Config
	events []Event
	got    []string
	onData func(c *Channel, payload []byte)
	sent   int // datagrams put on the wire
	wire   [][]byte
	ref    *reference // instead of core
}

func newWorld(t testing.TB, seed int64) *world {
	return &world{t: t, rng: rand.New(rand.NewSource(seed)), now: 1000 * time.Hour, wall: time.Unix(1700000000, 0), delay: 10 * time.Millisecond}
}

// host speaks in direct mode, negotiator does not.
func (w *world) host(name string, cfg Config) *host {
	cfg.Direct = true
	return w.negotiator(name, cfg)
}

func (w *world) negotiator(name string, cfg Config) *host {
	seed := make([]byte, 32)
	copy(seed, name)
	if cfg.Identity == nil {
		cfg.Identity = seedIdentity(w.t, seed)
	}
	cfg.Random, cfg.Jitter = w.rng, w.rng.Float64
	cfg.Wall = func() time.Time { return w.wall.Add(w.now) }
	h := &host{w: w, name: name, id: cfg.Identity, cfg: cfg}
	h.addr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(len(w.hosts) + 1)}), 1000)
	h.core = NewCore(cfg)
	w.hosts = append(w.hosts, h)
	return h
}

func (h *host) restart() { h.core = NewCore(h.cfg) }

func (h *host) peer() PeerID { return h.id.Public().ID() }

// settle takes out what the core left.
func (h *host) settle() {
	if h.core == nil {
		return
	}
	out := h.core.Out
	h.core.Out = nil
	for _, d := range out {
		h.put(d.To, d.Bytes)
	}
	h.events = append(h.events, h.core.Events...)
	h.core.Events = nil
	for _, d := range h.core.Inbox {
		h.deliver(d.Channel, d.Payload)
	}
	h.core.Inbox = nil
}

func (h *host) put(to netip.AddrPort, b []byte) {
	w := h.w
	h.sent++
	b = append([]byte(nil), b...)
	h.wire = append(h.wire, append([]byte(nil), b...))
	if target := w.at(to); target == nil || w.lose != nil && w.lose(h, target, b) {
		return
	}
	w.put(h.addr, to, b)
}

// put lets a datagram arrive.
func (w *world) put(from, to netip.AddrPort, b []byte) {
	w.seq++
	at := w.now + w.delay
	if w.jitter > 0 {
		at += time.Duration(w.rng.Int63n(int64(w.jitter)))
	}
	w.flight = append(w.flight, flight{at, w.seq, from, to, append([]byte(nil), b...)})
}

func (h *host) deliver(c *Channel, payload []byte) {
	h.got = append(h.got, string(payload))
	if h.onData != nil {
		h.onData(c, payload)
	}
}

// dial negotiates if the host does not speak directly.
func (h *host) dial(to *host) *Channel {
	dial := h.core.Dial
	if h.cfg.Direct {
		dial = h.core.DialDirect
	}
	c, err := dial(h.w.now, to.addr, to.peer())
	if err != nil {
		h.w.t.Fatal(err)
	}
	h.settle()
	return c
}

func (h *host) send(c *Channel, payload string) error {
	packet, to, err := h.core.Seal(h.w.now, c, nil, []byte(payload))
	h.settle()
	if packet != nil {
		h.put(to, packet)
	}
	return err
}

func (h *host) close(c *Channel) {
	h.core.Close(h.w.now, c)
	h.settle()
}

func (h *host) count(kind EventKind) (n int) {
	for _, e := range h.events {
		if e.Kind == kind {
			n++
		}
	}
	return n
}

func (h *host) reason() Reason {
	for _, e := range h.events {
		if e.Kind == Closed {
			return e.Reason
		}
	}
	return ""
}

// channel returns the only channel.
func (h *host) channel() *Channel {
	for _, c := range h.core.channels {
		return c
	}
	return nil
}

func (w *world) at(addr netip.AddrPort) *host {
	for _, h := range w.hosts {
		if h.addr == addr {
			return h
		}
	}
	return nil
}

// run lets time pass.
func (w *world) run(d time.Duration) {
	end := w.now + d
	for {
		next := end
		sort.Slice(w.flight, func(i, j int) bool {
			a, b := &w.flight[i], &w.flight[j]
			return a.at < b.at || a.at == b.at && a.seq < b.seq
		})
		if len(w.flight) > 0 && w.flight[0].at < next {
			next = w.flight[0].at
		}
		for _, h := range w.hosts {
			if h.core != nil && h.core.Deadline() < next {
				next = h.core.Deadline()
			}
		}
		if next > w.now {
			w.now = next
		}
		if w.now >= end {
			return
		}
		if len(w.flight) > 0 && w.flight[0].at <= w.now {
			f := w.flight[0]
			w.flight = w.flight[1:]
			h := w.at(f.to)
			if h == nil {
				continue
			}
			if h.ref != nil {
				h.ref.receive(f.b)
				continue
			}
			if c, payload := h.core.Receive(w.now, f.from, f.b); c != nil {
				h.deliver(c, payload)
			}
			for i := range f.b {
				f.b[i] = 0xee // the buffer belongs to the reader
			}
			h.settle()
			continue
		}
		for _, h := range w.hosts {
			if h.core != nil && h.core.Deadline() <= w.now {
				h.core.Tick(w.now)
				h.settle()
			}
		}
	}
}

// kinds describes datagrams by their first words.
func kinds(wire [][]byte) (out []string) {
	for _, b := range wire {
		out = append(out, kind(b))
	}
	return out
}

func kind(b []byte) string {
	switch {
	case psec.IsReject(b):
		return "reject"
	case psec.IsRetry(psec.ParseAccept(b)):
		return "retry"
	case psec.ParseAccept(b) != "":
		return "accept"
	case psec.ParseProposal(b) != nil:
		return "proposal"
	}
	switch word := binary.BigEndian.Uint32(b); {
	case word == wordInitHello:
		return "InitHello"
	case word == wordRespHello:
		return "RespHello"
	case word == wordInitDone:
		return "InitDone"
	case word&^direction == CounterClosing:
		return "closing"
	case len(b) == Overhead:
		return "empty"
	}
	return "data"
}
