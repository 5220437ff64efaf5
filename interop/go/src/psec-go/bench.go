package main

import (
	"encoding/binary"
	"errors"
	"time"

	"p2pke"
)

type benchResult struct {
	V         int     `json:"v"`
	Event     string  `json:"event"`
	Seconds   float64 `json:"seconds"`
	Sent      int     `json:"sent"`
	Echoed    int     `json:"echoed"`
	PerSecond float64 `json:"echoes_per_s"`
	Megabits  float64 `json:"mbit_per_s_each_way"`
}

// bench sends as fast as the echoes of an echoing peer allow.
func bench(args []string) int {
	f := newFlags("bench")
	f.IntVar(&f.size, "size", 1200, "bytes in each datagram")
	f.IntVar(&f.window, "window", 64, "datagrams without echo at once")
	f.IntVar(&f.seconds, "seconds", 3, "how long")
	if err := f.parse(args, true); err != nil {
		return fail(exitUsage, err)
	}
	if f.size < sequenceSize || f.size > f.datagram-p2pke.Overhead || f.window < 1 || f.seconds < 1 {
		return fail(exitUsage, errors.New("bad --size, --window or --seconds"))
	}
	up, over := make(chan bool, 16), make(chan struct{})
	credits := make(chan struct{}, f.window)
	for i := 0; i < f.window; i++ {
		credits <- struct{}{}
	}
	echoed := 0
	onData := func(*p2pke.Channel, []byte) {
		echoed++
		select {
		case credits <- struct{}{}:
		default:
		}
	}
	onEvent := func(e p2pke.Event) {
		switch e.Kind {
		case p2pke.DialDone:
			up <- true
		case p2pke.Closed:
			select {
			case up <- false:
			default:
			}
			close(over)
		}
	}
	node, err := p2pke.Listen(f.config(), f.local, onData, onEvent)
	if err != nil {
		return fail(exitTimeout, err)
	}
	c, err := node.Dial(f.remote, f.peer, f.peerKey, f.direct)
	if err != nil {
		return fail(exitTimeout, err)
	}
	if !<-up {
		node.Close()
		return fail(exitTimeout, errors.New("no connection"))
	}
	payload := make([]byte, f.size)
	begin, sent := time.Now(), 0
	end := time.NewTimer(time.Duration(f.seconds) * time.Second)
	stall := time.NewTicker(50 * time.Millisecond)
	before := 0
loop:
	for {
		select {
		case <-credits:
			binary.BigEndian.PutUint64(payload, uint64(sent))
			node.Send(c, payload)
			sent++
		case <-stall.C:
			// Lost datagrams take their credits with them: without progress all are given anew.
			if sent == before {
				for i := 0; i < f.window; i++ {
					select {
					case credits <- struct{}{}:
					default:
					}
				}
			}
			before = sent
		case <-end.C:
			break loop
		case <-over:
			break loop
		}
	}
	seconds := time.Since(begin).Seconds()
	node.Close()
	emit(benchResult{
		V: 1, Event: "bench", Seconds: seconds, Sent: sent, Echoed: echoed,
		PerSecond: float64(echoed) / seconds, Megabits: float64(echoed) * float64(f.size) * 8 / 1e6 / seconds,
	})
	return exitOK
}
