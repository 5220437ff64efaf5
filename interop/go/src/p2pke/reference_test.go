package p2pke

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// reference imitates what the specification says about the implementation that the scheme comes from: two halves with one
// session each, an inbound half that any InitHello resets, each message answered once, no timers, and sudden death by data
// on a half that is not ready.
type reference struct {
	h       *host
	peer    *host
	in, out half
	dead    string
}

type half struct {
	ready   bool
	born    Instant
	p       packets
	lastMsg []byte
	pending *responder
	mine    *initiator
	done    bool
	got     int
}

func (w *world) reference(name string, peer *host) *host {
	h := w.host(name, Config{})
	h.core = nil
	h.ref = &reference{h: h, peer: peer}
	return h
}

func (r *reference) send(b []byte) { r.h.put(r.peer.addr, b) }

func (r *reference) fatal(format string, args ...interface{}) {
	if r.dead == "" {
		r.dead = fmt.Sprintf(format, args...)
		r.h.w.t.Errorf("at %v the reference died: %s", r.h.w.now-1000*3600e9, r.dead)
	}
}

func (r *reference) alive(x *half) bool { return x.ready && r.h.w.now-x.born <= defaultLifetime }

// dial makes the outbound half ready, if nothing is lost.
func (r *reference) dial() {
	in, err := newInitiator(r.h.id, nil, r.h.w.wall, r.h.w.rng)
	if err != nil {
		r.h.w.t.Fatal(err)
	}
	in.own = nil
	r.out = half{mine: in, born: r.h.w.now}
	r.send(in.hello)
}

// say sends data on one of the halves that are ready.
func (r *reference) say(text string) bool {
	var ready []*half
	for _, x := range []*half{&r.in, &r.out} {
		if r.alive(x) {
			ready = append(ready, x)
		}
	}
	if len(ready) == 0 {
		return false
	}
	x := ready[r.h.w.rng.Intn(len(ready))]
	r.send(x.p.sealNext(nil, []byte(text)))
	return true
}

func (r *reference) receive(b []byte) {
	if r.dead != "" || len(b) < headerSize {
		return
	}
	word := binary.BigEndian.Uint32(b)
	counter := word &^ direction
	x := &r.in
	if word&direction != 0 {
		x = &r.out
	}
	switch {
	case word == wordInitHello:
		if bytes.Equal(b, r.in.lastMsg) {
			return
		}
		r.in = half{lastMsg: append([]byte(nil), b...), born: r.h.w.now}
		p, err := readInitHello(r.h.id, nil, nil, b, acceptAll, r.h.w.rng)
		if err != nil {
			return
		}
		r.in.pending = p
		r.send(p.hello)
	case word == wordInitDone:
		if r.in.pending == nil {
			return
		}
		payload, err := r.in.pending.openInitDone(b)
		if err != nil || r.in.pending.checkInitDone(payload) != nil {
			return
		}
		r.in.p.init(&r.in.pending.agreed, false)
		r.in.pending, r.in.ready = nil, true
	case word == wordRespHello:
		if r.out.mine == nil {
			return
		}
		a, err := r.out.mine.readRespHello(b, acceptAll)
		if err != nil {
			return
		}
		r.out.mine = nil
		r.out.p.init(&a.agreed, true)
		r.out.ready = true
		r.send(a.initDone)
	case counter >= counterFirst:
		if !x.ready {
			r.fatal("%s on a half that is not ready", kinds([][]byte{b}))
			return
		}
		if !r.alive(x) {
			return
		}
		if payload, drop := x.p.open(nil, b); drop == 0 && counter != CounterClosing {
			x.got++
			if len(payload) > 0 {
				r.h.got = append(r.h.got, string(payload))
			}
		}
	}
}
