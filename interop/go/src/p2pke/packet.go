package p2pke

import (
	"crypto/cipher"
	"encoding/binary"
	"reflect"
	"unsafe"

	"golang.org/x/crypto/chacha20poly1305"
)

// packets seals and opens the transport packets of one session. Nothing here allocates: nonces are fields, because what is
// passed through an interface would move to the heap.
type packets struct {
	sealer, opener   cipher.AEAD
	sealBit, openBit uint32
	sealNonce        [chacha20poly1305.NonceSize]byte
	openNonce        [chacha20poly1305.NonceSize]byte
	next             uint32 // counter of the next packet
	window           Window
}

// init takes the keys and wipes the caller's copy.
func (p *packets) init(a *agreed, weInitiated bool) {
	toR, err := chacha20poly1305.New(a.toResponder[:])
	if err != nil {
		panic(err)
	}
	toI, err := chacha20poly1305.New(a.toInitiator[:])
	if err != nil {
		panic(err)
	}
	p.sealer, p.opener, p.openBit = toR, toI, direction
	if !weInitiated {
		p.sealer, p.opener, p.sealBit, p.openBit = toI, toR, direction, 0
	}
	p.next = counterFirst
	a.erase()
}

func (a *agreed) erase() {
	wipe(a.toResponder[:])
	wipe(a.toInitiator[:])
}

// erase overwrites both keys, which lie within the AEADs. Nothing can be sealed or opened afterwards.
func (p *packets) erase() {
	wipeAEAD(p.sealer)
	wipeAEAD(p.opener)
	p.sealer, p.opener = nil, nil
}

func wipeAEAD(aead cipher.AEAD) {
	v := reflect.ValueOf(aead)
	if !v.IsValid() || v.Kind() != reflect.Ptr {
		return
	}
	v = v.Elem()
	wipe(unsafe.Slice((*byte)(unsafe.Pointer(v.UnsafeAddr())), int(v.Type().Size())))
}

// exhausted tells whether all counters are used up.
func (p *packets) exhausted() bool { return p.next >= CounterClosing }

// sealNext appends a packet with the next counter to dst.
func (p *packets) sealNext(dst, payload []byte) []byte {
	if p.exhausted() {
		panic("p2pke: counters used up")
	}
	p.next++
	return p.sealAt(dst, p.next-1, payload)
}

// sealAt appends a packet with the given counter to dst. Each counter is used for one packet only.
func (p *packets) sealAt(dst []byte, counter uint32, payload []byte) []byte {
	n := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	binary.BigEndian.PutUint32(dst[n:], counter|p.sealBit)
	binary.LittleEndian.PutUint64(p.sealNonce[4:], uint64(counter))
	return p.sealer.Seal(dst, p.sealNonce[:], payload, dst[n:n+headerSize])
}

// open decrypts a packet of this session's receiving direction, which has at least Overhead bytes, into dst, which must not
// overlap it. The window is asked before and told afterwards; the closing message's counter is no matter of the window.
func (p *packets) open(dst, datagram []byte) ([]byte, Drop) {
	counter := binary.BigEndian.Uint32(datagram) &^ direction
	if counter != CounterClosing {
		if drop := p.window.Ask(counter); drop != 0 {
			return nil, drop
		}
	}
	binary.LittleEndian.PutUint64(p.openNonce[4:], uint64(counter))
	payload, err := p.opener.Open(dst, p.openNonce[:], datagram[headerSize:], datagram[:headerSize])
	if err != nil {
		return nil, NotAuthentic
	}
	p.window.Accept(counter)
	return payload, 0
}
