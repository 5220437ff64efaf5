package main

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"p2pke"
)

func TestFloodMeterTellsWhatIsWhole(t *testing.T) {
	const size = 1200
	m, template := newFloodMeter("recv", size, 1), floodTemplate(size)
	indexSum := uint64(0)
	for _, index := range []uint64{0, 1, 7, 1 << 40} {
		binary.LittleEndian.PutUint64(template, index)
		m.delivered(template)
		indexSum += index
	}
	if want := 4*floodSum(floodTemplate(size)) + indexSum; m.Checksum != want || m.IndexSum != indexSum || m.Total != 4 || m.Wrong != 0 {
		t.Errorf("%+v, want checksum %d and index sum %d", m, want, indexSum)
	}
	template[size-1] ^= 1
	m.delivered(template)
	m.delivered(template[:size-8])
	if m.Wrong != 2 || m.Total != 5 {
		t.Errorf("%d wrong of %d", m.Wrong, m.Total)
	}
}

func TestFloodSumTakesAllWords(t *testing.T) {
	for _, words := range []int{1, 3, 4, 5, 8, 150} {
		payload := make([]byte, 8*words)
		for i := 0; i < words; i++ {
			binary.LittleEndian.PutUint64(payload[8*i:], 1<<uint(i%60))
		}
		want := uint64(0)
		for i := 0; i < words; i++ {
			want += 1 << uint(i%60)
		}
		if got := floodSum(payload); got != want {
			t.Errorf("%d words: %d, want %d", words, got, want)
		}
	}
}

func TestSendAll(t *testing.T) {
	const count = 10
	local := netip.MustParseAddrPort("127.0.0.1:0")
	seen, up := make(chan byte, count), make(chan bool, 16)
	ceiling := time.After(30 * time.Second)
	a, err := p2pke.GenerateIdentity()
	if err != nil {
		t.Fatal(err)
	}
	b, err := p2pke.GenerateIdentity()
	if err != nil {
		t.Fatal(err)
	}
	receiver, err := p2pke.Listen(p2pke.Config{Identity: a, Direct: true}, local, func(_ *p2pke.Channel, payload []byte) { seen <- payload[0] }, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer receiver.Close()
	sender, err := p2pke.Listen(p2pke.Config{Identity: b, Direct: true}, local, nil, func(e p2pke.Event) {
		if e.Kind == p2pke.DialDone {
			up <- true
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	c, err := sender.Dial(receiver.Addr(), a.Public().ID(), nil, true)
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-up:
	case <-ceiling:
		t.Fatal("no connection")
	}
	payload := []byte{255}
	if err := sender.SendAll(c, count, func() []byte { payload[0]++; return payload }); err != nil {
		t.Fatal(err)
	}
	for want := byte(0); want < count; want++ {
		select {
		case got := <-seen:
			if got != want {
				t.Errorf("datagram %d, want %d", got, want)
			}
		case <-ceiling:
			t.Fatalf("datagram %d did not come", want)
		}
	}
}
