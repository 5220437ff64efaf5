package main

import (
	"encoding/binary"
	"errors"
	"runtime"
	"syscall"
	"time"

	"p2pke"
)

// Both flood commands take the clock once in so many datagrams.
const floodLook = 64

// A receiver ends when nothing came for so long, and a sender goes on for half of it so that the receiver's window is filled.
const floodQuiet = 500 * time.Millisecond

type floodReady struct {
	Ready bool   `json:"ready"`
	Port  uint16 `json:"port"`
	Peer  string `json:"peer"`
}

// floodMeter counts everything, and by itself a window: so many seconds, one second after the first datagram.
type floodMeter struct {
	Role     string  `json:"role"`
	Packets  uint64  `json:"packets"`
	Seconds  float64 `json:"seconds"`
	CPU      float64 `json:"cpuSeconds"`
	Checksum uint64  `json:"checksum"`
	IndexSum uint64  `json:"indexSum"`
	Total    uint64  `json:"total"`
	Wrong    uint64  `json:"wrong"`

	size        int
	templateSum uint64
	window      time.Duration
	nextLook    uint64
	first       time.Time
	begin       time.Time
	beginTotal  uint64
	beginCPU    float64
}

func newFloodMeter(role string, size, seconds int) *floodMeter {
	return &floodMeter{Role: role, size: size, templateSum: floodSum(floodTemplate(size)), window: time.Duration(seconds) * time.Second}
}

// floodTemplate is the content of the datagram with index 0; the others have their index in the first word.
func floodTemplate(size int) []byte {
	payload := make([]byte, size)
	for i := 0; i < size/8; i++ {
		binary.LittleEndian.PutUint64(payload[8*i:], uint64(i)*0x9E3779B97F4A7C15)
	}
	return payload
}

func floodSum(payload []byte) uint64 {
	var a, b, c, d uint64
	for len(payload) >= 32 {
		a += binary.LittleEndian.Uint64(payload)
		b += binary.LittleEndian.Uint64(payload[8:])
		c += binary.LittleEndian.Uint64(payload[16:])
		d += binary.LittleEndian.Uint64(payload[24:])
		payload = payload[32:]
	}
	for ; len(payload) >= 8; payload = payload[8:] {
		a += binary.LittleEndian.Uint64(payload)
	}
	return a + b + c + d
}

func cpuSeconds() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

func (m *floodMeter) delivered(payload []byte) {
	if len(payload) != m.size {
		m.Wrong++
		return
	}
	sum, index := floodSum(payload), binary.LittleEndian.Uint64(payload)
	if sum-index != m.templateSum {
		m.Wrong++
	}
	m.Checksum += sum
	m.IndexSum += index
	m.counted()
}

func (m *floodMeter) counted() {
	m.Total++
	if m.Total > m.nextLook {
		m.look()
	}
}

func (m *floodMeter) look() {
	m.nextLook = m.Total + floodLook
	now := time.Now()
	switch {
	case m.first.IsZero():
		m.first = now
	case m.begin.IsZero():
		if now.Sub(m.first) >= time.Second {
			m.begin, m.beginTotal, m.beginCPU = now, m.Total, cpuSeconds()
		}
	case m.Seconds == 0 && now.Sub(m.begin) >= m.window:
		m.CPU = cpuSeconds() - m.beginCPU
		m.Packets = m.Total - m.beginTotal
		m.Seconds = now.Sub(m.begin).Seconds()
	}
}

// floodFlags parses what both have in common.
func floodFlags(name string, args []string, target bool) (*flags, error) {
	f := newFlags(name)
	f.IntVar(&f.size, "size", 1200, "bytes in each datagram, a multiple of 8")
	f.IntVar(&f.seconds, "seconds", 3, "length of the measured window")
	if err := f.parse(args, target); err != nil {
		return nil, err
	}
	// One goroutine has work; a second processor would only look for some, and take the first one's in every system call.
	runtime.GOMAXPROCS(1)
	if f.size < 8 || f.size%8 != 0 || f.size > f.datagram-p2pke.Overhead || f.seconds < 1 {
		return nil, errors.New("bad --size or --seconds")
	}
	return f, nil
}

// floodSend sends as fast as it goes, without waiting for anything.
func floodSend(args []string) int {
	f, err := floodFlags("flood-send", args, true)
	if err != nil {
		return fail(exitUsage, err)
	}
	up := make(chan bool, 16)
	onEvent := func(e p2pke.Event) {
		switch e.Kind {
		case p2pke.DialDone:
			up <- true
		case p2pke.Closed:
			select {
			case up <- false:
			default:
			}
		}
	}
	node, err := p2pke.Listen(f.config(), f.local, nil, onEvent)
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
	m, payload := newFloodMeter("send", f.size, f.seconds), floodTemplate(f.size)
	next := func() []byte {
		binary.LittleEndian.PutUint64(payload, m.Total)
		m.counted()
		return payload
	}
	for m.Seconds == 0 || time.Since(m.begin) < m.window+floodQuiet/2 {
		if err := node.SendAll(c, floodLook, next); err != nil {
			return fail(exitLost, err)
		}
	}
	node.Close()
	m.IndexSum = m.Total * (m.Total - 1) / 2
	m.Checksum = m.Total*m.templateSum + m.IndexSum
	emit(m)
	return exitOK
}

// floodReceive counts and checks what comes, until its window is full and nothing comes any more.
func floodReceive(args []string) int {
	f, err := floodFlags("flood-recv", args, false)
	if err != nil {
		return fail(exitUsage, err)
	}
	m, news := newFloodMeter("recv", f.size, f.seconds), make(chan struct{}, 1)
	onData := func(_ *p2pke.Channel, payload []byte) {
		m.delivered(payload)
		if m.Total%floodLook == 0 {
			select {
			case news <- struct{}{}:
			default:
			}
		}
	}
	node, err := p2pke.Listen(f.config(), f.local, onData, nil)
	if err != nil {
		return fail(exitTimeout, err)
	}
	emit(floodReady{true, node.Addr().Port(), peerText(f.identity.Public())})
	<-news
	for {
		select {
		case <-news:
			time.Sleep(floodQuiet / 10)
			continue
		case <-time.After(floodQuiet):
		}
		break
	}
	node.Close() // after it the reader has ended, and the counts are whole
	emit(m)
	return exitOK
}
