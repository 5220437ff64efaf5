package main

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"p2pke"
)

// localFor finds the local address from which datagrams to a peer leave.
func localFor(remote netip.AddrPort) (netip.AddrPort, error) {
	probe, err := net.Dial("udp", remote.String())
	if err != nil {
		return netip.AddrPort{}, err
	}
	defer probe.Close()
	return netip.AddrPortFrom(probe.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap(), 0), nil
}

const (
	sequenceSize = 8
	markSize     = 8
)

type summary struct {
	V          int    `json:"v"`
	Event      string `json:"event"`
	Sent       int    `json:"sent"`
	Echoed     int    `json:"echoed"`
	Lost       int    `json:"lost"`
	Duplicated int    `json:"duplicated"`
	Sessions   int    `json:"sessions"`
	Reason     string `json:"reason,omitempty"`
	Millis     int64  `json:"ms"`
}

// run is one dial: it sends numbered datagrams and counts what comes back.
type dialRun struct {
	f    *flags
	node *p2pke.Node
	c    *p2pke.Channel
	mark []byte // behind the number, in both

	mu       sync.Mutex
	changed  chan struct{}
	ready    chan struct{}   // node is set
	sentAt   []time.Duration // by sequence number; -1 once echoed
	oldest   int             // all before it are echoed or given up
	waiting  int             // neither echoed nor given up, from oldest on
	echoed   int
	twice    int
	sessions int
	last     time.Duration // last echo
	dialled  bool
	closed   bool
	reason   p2pke.Reason
	heard    time.Duration // last datagram of the other side's own
	begin    time.Time
}

func (r *dialRun) now() time.Duration { return time.Since(r.begin) }

func (r *dialRun) kick() {
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

func (r *dialRun) onData(c *p2pke.Channel, payload []byte) {
	if len(payload) < sequenceSize {
		return
	}
	if r.mark != nil && !bytes.HasPrefix(payload[sequenceSize:], r.mark) {
		r.mu.Lock()
		r.heard = r.now()
		r.mu.Unlock()
		if r.f.echo {
			<-r.ready
			r.node.Send(c, payload)
		}
		return
	}
	seq := binary.BigEndian.Uint64(payload)
	r.mu.Lock()
	if seq < uint64(len(r.sentAt)) {
		if r.sentAt[seq] < 0 {
			r.twice++
		} else {
			if int(seq) >= r.oldest {
				r.waiting--
			}
			r.sentAt[seq] = -1
			r.echoed++
			r.last = r.now()
		}
	}
	for r.oldest < len(r.sentAt) && r.sentAt[r.oldest] < 0 {
		r.oldest++
	}
	r.mu.Unlock()
	r.kick()
}

func (r *dialRun) onEvent(e p2pke.Event) {
	r.f.show(e)
	r.mu.Lock()
	defer r.kick()
	defer r.mu.Unlock()
	if e.Channel.Peer() != r.f.peer {
		return // both serves others too
	}
	switch e.Kind {
	case p2pke.SessionUp:
		r.sessions++
	case p2pke.DialDone:
		r.dialled = true
	case p2pke.Closed:
		r.closed, r.reason = true, e.Reason
	}
}

// giveUp lets datagrams that got no echo for the timeout no longer count as waiting. They may still come.
func (r *dialRun) giveUp(timeout time.Duration) {
	limit := r.now() - timeout
	for r.oldest < len(r.sentAt) && r.sentAt[r.oldest] < limit {
		if r.sentAt[r.oldest] >= 0 {
			r.waiting--
		}
		r.oldest++
	}
}

// until waits until condition holds under the lock, the time is over (if it is not 0) or a signal comes. It looks at least
// every few milliseconds, for what only time changes.
func (r *dialRun) until(stop <-chan os.Signal, limit time.Duration, condition func() bool) (held, stopped bool) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	<-timer.C
	for {
		r.mu.Lock()
		held = condition()
		now := r.now()
		r.mu.Unlock()
		if held || limit > 0 && now >= limit {
			return held, false
		}
		timer.Reset(5 * time.Millisecond)
		select {
		case <-r.changed:
			if !timer.Stop() {
				<-timer.C
			}
		case <-timer.C:
		case <-stop:
			return false, true
		}
	}
}

func newRun(f *flags, mark []byte) (*dialRun, error) {
	r := &dialRun{f: f, mark: mark, changed: make(chan struct{}, 1), ready: make(chan struct{}), begin: time.Now()}
	node, err := p2pke.Listen(f.config(), f.local, r.onData, r.onEvent)
	if err != nil {
		return nil, err
	}
	r.node = node
	close(r.ready)
	if mark != nil {
		f.listening(node)
	}
	if r.c, err = node.Dial(f.remote, f.peer, f.peerKey, f.direct); err != nil {
		node.Close()
		return nil, err
	}
	return r, nil
}

// finish prints the summary and closes.
func (r *dialRun) finish() summary {
	r.node.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	s := summary{
		V: 1, Event: "summary", Sent: len(r.sentAt), Echoed: r.echoed, Lost: len(r.sentAt) - r.echoed, Duplicated: r.twice,
		Sessions: r.sessions, Millis: r.now().Milliseconds(),
	}
	if r.reason != p2pke.ReasonClosed {
		s.Reason = string(r.reason)
	}
	return s
}

func (r *dialRun) exit(s summary, stopped bool) int {
	switch {
	case stopped:
		return exitOK
	case r.reason == p2pke.ReasonWrongIdentity:
		return exitWrongIdentity
	case !r.dialled || s.Sent > 0 && s.Echoed == 0:
		return exitTimeout
	case s.Lost > 0 && r.f.requireAll:
		return exitLost
	}
	return exitOK
}

// newDialFlags defines what dial and both have in common.
func newDialFlags(name string) *flags {
	f := newFlags(name)
	f.IntVar(&f.count, "count", 0, "datagrams to send; 1 without --duration-ms, else no limit")
	f.IntVar(&f.size, "size", 64, "bytes in each")
	f.IntVar(&f.window, "window", 16, "datagrams without echo at once")
	f.IntVar(&f.timeout, "timeout-ms", 10000, "how long to wait for the connection, and for an echo")
	f.IntVar(&f.echoTimeout, "echo-timeout-ms", 0, "how long to wait for an echo, if it is not the same")
	f.IntVar(&f.duration, "duration-ms", 0, "spread the datagrams over this time")
	f.BoolVar(&f.requireAll, "require-all", false, "fail if an echo is missing")
	return f
}

// parseDial also checks the numbers; least is the size of the smallest datagram.
func (f *flags) parseDial(args []string, least int) error {
	switch err := f.parse(args, true); {
	case err != nil:
		return err
	case f.size < least || f.size > f.datagram-p2pke.Overhead:
		return fmt.Errorf("--size must be at least %d and fit into a datagram", least)
	case f.window < 1 || f.timeout < 1 || f.echoTimeout < 0 || f.count < 0 || f.duration < 0 || f.linger < 0:
		return errors.New("numbers must be positive")
	}
	return nil
}

func dial(args []string) int {
	f := newDialFlags("dial")
	if err := f.parseDial(args, sequenceSize); err != nil {
		return fail(exitUsage, err)
	}
	return f.converse(nil)
}

// both listens and dials on one socket, so that two of them open at the same time. A mark in its own datagrams tells their
// echoes from what the other side sends by itself.
func both(args []string) int {
	f := newDialFlags("both")
	f.BoolVar(&f.echo, "echo", false, "send back what others send")
	f.IntVar(&f.linger, "linger-ms", 1000, "go on until the other side has sent nothing of its own for so long")
	err := f.parseDial(args, sequenceSize+markSize)
	if err == nil && f.addr == "" {
		err = errors.New("--addr is missing")
	}
	if err != nil {
		return fail(exitUsage, err)
	}
	mark := make([]byte, markSize)
	if _, err := rand.Read(mark); err != nil {
		return fail(exitLost, err)
	}
	return f.converse(mark)
}

// converse dials, sends, counts and closes.
func (f *flags) converse(mark []byte) int {
	unlimited := f.count == 0 && f.duration > 0
	if f.count == 0 && !unlimited {
		f.count = 1
	}
	stop := stopSignal()
	r, err := newRun(f, mark)
	if err != nil {
		return fail(exitTimeout, err)
	}
	timeout := time.Duration(f.timeout) * time.Millisecond
	up, stopped := r.until(stop, timeout, func() bool { return r.dialled || r.closed })
	if up && r.dialled {
		if f.echoTimeout > 0 {
			timeout = time.Duration(f.echoTimeout) * time.Millisecond
		}
		stopped = r.sendAll(stop, timeout, unlimited)
		if mark != nil && !stopped {
			done := r.now()
			linger := time.Duration(f.linger) * time.Millisecond
			_, stopped = r.until(stop, 0, func() bool { return r.closed || r.now()-r.heard >= linger && r.now()-done >= linger })
		}
	}
	s := r.finish()
	emit(s)
	return r.exit(s, stopped)
}

// sendAll sends the datagrams and waits for their echoes.
func (r *dialRun) sendAll(stop <-chan os.Signal, timeout time.Duration, unlimited bool) (stopped bool) {
	f := r.f
	start := r.now()
	duration := time.Duration(f.duration) * time.Millisecond
	payload := make([]byte, f.size)
	copy(payload[sequenceSize:], r.mark)
	for seq := 0; unlimited || seq < f.count; seq++ {
		if unlimited && r.now()-start >= duration {
			break
		}
		due := time.Duration(0)
		if !unlimited && duration > 0 {
			due = start + duration*time.Duration(seq)/time.Duration(f.count)
		}
		over := false
		_, stopped = r.until(stop, 0, func() bool {
			r.giveUp(timeout)
			over = r.closed || unlimited && r.now()-start >= duration ||
				r.echoed == 0 && len(r.sentAt) > 0 && r.now()-r.sentAt[0] >= timeout // nothing comes back at all
			return over || r.waiting < f.window && r.now() >= due
		})
		if stopped || over {
			break
		}
		binary.BigEndian.PutUint64(payload, uint64(seq))
		r.mu.Lock()
		r.sentAt = append(r.sentAt, r.now())
		r.waiting++
		r.mu.Unlock()
		for {
			err := r.node.Send(r.c, payload)
			if err == nil || !errors.Is(err, p2pke.ErrQueueFull) {
				break // a closed channel shows as lost datagrams
			}
			if _, stopped = r.until(stop, r.now()+2*time.Millisecond, func() bool { return false }); stopped {
				return true
			}
		}
	}
	if stopped {
		return true
	}
	_, stopped = r.until(stop, 0, func() bool {
		last := r.last
		if n := len(r.sentAt); n > 0 && r.sentAt[n-1] > last {
			last = r.sentAt[n-1]
		}
		return r.closed || r.echoed == len(r.sentAt) || r.now()-last >= timeout
	})
	return stopped
}
