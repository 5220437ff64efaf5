package p2pke

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Node drives a Core with one UDP socket, a reader, a timer and one lock.
type Node struct {
	conn    *net.UDPConn
	onData  func(*Channel, []byte)
	onEvent func(Event)

	mu     sync.Mutex
	core   *Core
	armed  Instant // when the timer wakes
	events []Event
	over   bool

	timerKick chan struct{}
	eventKick chan struct{}
	done      chan struct{}
	running   sync.WaitGroup
	buffers   sync.Pool
}

// Listen opens a socket and serves it. onData gets the payloads, on the reader's goroutine and only valid during the call;
// onEvent gets the events in their order. Both may send.
func Listen(cfg Config, addr netip.AddrPort, onData func(*Channel, []byte), onEvent func(Event)) (*Node, error) {
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return nil, err
	}
	conn.SetReadBuffer(4 << 20)
	conn.SetWriteBuffer(4 << 20)
	n := &Node{
		conn: conn, onData: onData, onEvent: onEvent, core: NewCore(cfg), armed: never,
		timerKick: make(chan struct{}, 1), eventKick: make(chan struct{}, 1), done: make(chan struct{}),
	}
	n.buffers.New = func() interface{} { return new([maxDatagramBytes]byte) }
	n.running.Add(3)
	go n.read()
	go n.tick()
	go n.tell()
	return n, nil
}

// Addr returns the local address.
func (n *Node) Addr() netip.AddrPort { return n.conn.LocalAddr().(*net.UDPAddr).AddrPort() }

// clock runs also while the machine is suspended.
func clock() Instant {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		panic(err)
	}
	return time.Duration(t.Nano())
}

// settle sends what the core left, with the lock held, so that nothing overtakes a handshake.
func (n *Node) settle() {
	c := n.core
	if len(c.Out) > 0 {
		for i := range c.Out {
			n.conn.WriteToUDPAddrPort(c.Out[i].Bytes, c.Out[i].To)
			c.Out[i] = Datagram{}
		}
		c.Out = c.Out[:0]
	}
	if len(c.Events) > 0 {
		n.events = append(n.events, c.Events...)
		c.Events = c.Events[:0]
		kick(n.eventKick)
	}
	if c.Deadline() < n.armed {
		kick(n.timerKick)
	}
}

func kick(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (n *Node) read() {
	defer n.running.Done()
	buffer := make([]byte, maxDatagramBytes+1)
	for {
		size, from, err := n.conn.ReadFromUDPAddrPort(buffer)
		if err != nil {
			select {
			case <-n.done:
				return
			default:
				continue // whatever the socket reports ends nothing
			}
		}
		n.mu.Lock()
		c, payload := n.core.Receive(clock(), canonical(from), buffer[:size])
		inbox := n.core.Inbox
		n.core.Inbox = nil
		n.settle()
		n.mu.Unlock()
		if n.onData == nil {
			continue
		}
		for _, d := range inbox {
			n.onData(d.Channel, d.Payload)
		}
		if c != nil {
			n.onData(c, payload)
		}
	}
}

func (n *Node) tick() {
	defer n.running.Done()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		n.mu.Lock()
		now := clock()
		n.core.Tick(now)
		n.settle()
		n.armed = n.core.Deadline()
		wait := n.armed - now
		n.mu.Unlock()
		if wait < 0 {
			wait = 0
		} else if wait > time.Minute {
			wait = time.Minute
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-n.timerKick:
			if !timer.Stop() {
				select {
				case <-timer.C:
				default:
				}
			}
		case <-n.done:
			return
		}
	}
}

func (n *Node) tell() {
	defer n.running.Done()
	for {
		n.mu.Lock()
		events := n.events
		n.events = nil
		over := n.over
		n.mu.Unlock()
		for _, e := range events {
			if n.onEvent != nil {
				n.onEvent(e)
			}
		}
		if len(events) == 0 {
			if over {
				return
			}
			select {
			case <-n.eventKick:
			case <-n.done:
			}
		}
	}
}

// Dial returns a channel to a peer; the events tell when it is connected. key is nil where only the ID is known; directly is
// without negotiation.
func (n *Node) Dial(to netip.AddrPort, peer PeerID, key *PublicKey, directly bool) (*Channel, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	c, err := n.core.dial(clock(), to, peer, key, directly)
	n.settle()
	return c, err
}

// Send sends or queues a datagram.
func (n *Node) Send(c *Channel, payload []byte) error {
	buffer := n.buffers.Get().(*[maxDatagramBytes]byte)
	n.mu.Lock()
	packet, to, err := n.core.Seal(clock(), c, buffer[:0], payload)
	n.settle()
	if c.MaybeReference() && packet != nil {
		// A packet that a handshake overtakes would kill the reference.
		n.conn.WriteToUDPAddrPort(packet, to)
		packet = nil
	}
	n.mu.Unlock()
	if packet != nil {
		n.conn.WriteToUDPAddrPort(packet, to)
	}
	n.buffers.Put(buffer)
	return err
}

// SendAll sends or queues so many datagrams of one channel, each made by next, and asks for the time only once. It is for a
// caller who sends without a pause.
func (n *Node) SendAll(c *Channel, count int, next func() []byte) error {
	buffer := n.buffers.Get().(*[maxDatagramBytes]byte)
	defer n.buffers.Put(buffer)
	now := clock()
	for i := 0; i < count; i++ {
		n.mu.Lock()
		packet, to, err := n.core.Seal(now, c, buffer[:0], next())
		n.settle()
		if packet != nil {
			n.conn.WriteToUDPAddrPort(packet, to)
		}
		n.mu.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

// CloseChannel closes one channel.
func (n *Node) CloseChannel(c *Channel) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.core.Close(clock(), c)
	n.settle()
}

// Stats returns the counts of datagrams.
func (n *Node) Stats() Stats {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.core.Stats
}

// Queued returns how many datagrams wait for a session of a channel.
func (n *Node) Queued(c *Channel) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return c.Queued()
}

// Close closes all channels, waits until the closing messages are out, and closes the socket.
func (n *Node) Close() {
	n.mu.Lock()
	n.core.Shutdown(clock())
	n.settle()
	n.mu.Unlock()
	for i := 0; i < 100; i++ {
		n.mu.Lock()
		idle := n.core.Idle()
		n.mu.Unlock()
		if idle {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	n.mu.Lock()
	n.over = true
	n.mu.Unlock()
	close(n.done)
	n.conn.Close()
	n.running.Wait()
}
