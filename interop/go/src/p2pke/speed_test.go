package p2pke

import (
	"net/netip"
	"sync/atomic"
	"testing"
	"time"
)

// talkers returns two connected cores, and what one has to do for one datagram of the other.
func talkers(t testing.TB) (a, b *host, c *Channel) {
	w := newWorld(t, 1)
	a, b = w.host("a", Config{}), w.host("b", Config{})
	c = a.dial(b)
	w.run(time.Second)
	a.send(c, "x")
	w.run(10 * time.Millisecond)
	return a, b, c
}

func TestDataPathDoesNotAllocate(t *testing.T) {
	a, b, c := talkers(t)
	payload, buffer := make([]byte, 1200), make([]byte, 0, 2048)
	now := a.w.now
	run := func() {
		packet, _, err := a.core.Seal(now, c, buffer, payload)
		if err != nil || packet == nil {
			t.Fatal("not sent")
		}
		if got, _ := b.core.Receive(now, a.addr, packet); got == nil {
			t.Fatal("not delivered")
		}
	}
	if n := testing.AllocsPerRun(1000, run); n != 0 {
		t.Errorf("%v allocations for each datagram", n)
	}
	forged, _, _ := a.core.Seal(now, c, nil, payload)
	forged[100] ^= 1
	if n := testing.AllocsPerRun(1000, func() { b.core.Receive(now, a.addr, forged) }); n != 0 {
		t.Errorf("%v allocations for each forged datagram", n)
	}
}

func BenchmarkSeal1200(b *testing.B) {
	x, _, c := talkers(b)
	payload, buffer := make([]byte, 1200), make([]byte, 0, 2048)
	b.SetBytes(1200)
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		x.core.Seal(x.w.now, c, buffer, payload)
	}
}

func BenchmarkSealAndReceive1200(b *testing.B) {
	x, y, c := talkers(b)
	payload, buffer := make([]byte, 1200), make([]byte, 0, 2048)
	b.SetBytes(1200)
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		packet, _, _ := x.core.Seal(x.w.now, c, buffer, payload)
		if got, _ := y.core.Receive(x.w.now, x.addr, packet); got == nil {
			b.Fatal("not delivered")
		}
	}
}

func BenchmarkReceiveForged1200(b *testing.B) {
	x, y, c := talkers(b)
	packet, _, _ := x.core.Seal(x.w.now, c, nil, make([]byte, 1200))
	packet[500] ^= 1
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		y.core.Receive(x.w.now, x.addr, packet)
	}
}

func BenchmarkHandshake(b *testing.B) {
	for i := 0; i < b.N; i++ {
		w := newWorld(b, int64(i))
		x, y := w.host("x", Config{}), w.host("y", Config{})
		x.dial(y)
		w.run(100 * time.Millisecond)
		if y.count(Connected) != 1 {
			b.Fatal("no connection")
		}
	}
}

// nodePair connects two nodes over the loopback interface.
func nodePair(t testing.TB, onData func(n *Node, c *Channel, payload []byte), onBack func([]byte)) (a, b *Node, c *Channel) {
	idA, _ := GenerateIdentity()
	idB, _ := GenerateIdentity()
	local := netip.MustParseAddrPort("127.0.0.1:0")
	ready := make(chan struct{})
	b, err := Listen(Config{Identity: idB}, local, func(c *Channel, p []byte) { <-ready; onData(b, c, p) }, nil)
	if err != nil {
		t.Fatal(err)
	}
	close(ready)
	up := make(chan struct{}, 1)
	a, err = Listen(Config{Identity: idA}, local, func(_ *Channel, p []byte) { onBack(p) }, func(e Event) {
		if e.Kind == DialDone {
			up <- struct{}{}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if c, err = a.Dial(b.Addr(), idB.Public().ID(), nil, false); err != nil {
		t.Fatal(err)
	}
	select {
	case <-up:
	case <-time.After(5 * time.Second):
		t.Fatal("no connection")
	}
	return a, b, c
}

func TestNodes(t *testing.T) {
	var echoes int64
	a, b, c := nodePair(t, func(n *Node, c *Channel, p []byte) { n.Send(c, p) }, func([]byte) { atomic.AddInt64(&echoes, 1) })
	for i := 0; i < 200; i++ {
		if err := a.Send(c, []byte("hello")); err != nil {
			t.Fatal(err)
		}
		if i%10 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	for i := 0; i < 300 && atomic.LoadInt64(&echoes) < 200; i++ {
		time.Sleep(10 * time.Millisecond)
	}
	if n := atomic.LoadInt64(&echoes); n != 200 {
		t.Errorf("%d echoes", n)
	}
	a.Close()
	for i := 0; i < 100; i++ {
		if s := b.Stats(); s.Control > 2 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	b.Close()
	if s := b.Stats(); s.Delivered != 200 {
		t.Errorf("%d delivered", s.Delivered)
	}
}

// BenchmarkLoopback1200 sends datagrams one way through two UDP sockets, as many at once as fit into their buffers.
func BenchmarkLoopback1200(b *testing.B) {
	var got int64
	x, y, c := nodePair(b, func(*Node, *Channel, []byte) { atomic.AddInt64(&got, 1) }, func([]byte) {})
	payload := make([]byte, 1200)
	b.SetBytes(1200)
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; i < b.N; i++ {
		x.Send(c, payload)
		for spin := 0; int64(i)-atomic.LoadInt64(&got) > 64 && spin < 1000; spin++ {
			time.Sleep(5 * time.Microsecond)
		}
	}
	b.StopTimer()
	time.Sleep(20 * time.Millisecond)
	b.ReportMetric(float64(atomic.LoadInt64(&got))/float64(b.N), "delivered/sent")
	x.Close()
	y.Close()
}
