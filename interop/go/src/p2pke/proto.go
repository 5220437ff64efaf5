package p2pke

import "unicode/utf8"

// suiteName is what InitHello and RespHello call the cipher suite.
const suiteName = "25519_ChaChaPoly_BLAKE2b"

const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5

	fieldTranscript = 15
	transcriptSize  = 8
)

// claim is AuthClaim. nil means absent; an empty key or signature counts as absent too.
type claim struct {
	key, sig []byte
}

func (c *claim) check() error {
	if c == nil || len(c.key) == 0 || len(c.sig) == 0 {
		return Malformed
	}
	return nil
}

type initHelloPayload struct {
	timestamp  []byte
	transcript []byte // T[0..8] of a negotiation, or nil
	claim      *claim
}

// --- writing ---

func appendVarint(b []byte, v uint64) []byte {
	for v >= 0x80 {
		b = append(b, byte(v)|0x80)
		v >>= 7
	}
	return append(b, byte(v))
}

func appendBytes(b []byte, field int, v []byte) []byte {
	b = appendVarint(b, uint64(field)<<3|wireBytes)
	b = appendVarint(b, uint64(len(v)))
	return append(b, v...)
}

func (c *claim) encode() []byte {
	return appendBytes(appendBytes(nil, 1, c.key), 2, c.sig)
}

func encodeInitHello(timestamp []byte, c *claim, transcript []byte) []byte {
	b := appendBytes(nil, 1, []byte(suiteName))
	b = appendBytes(b, 2, timestamp)
	b = appendBytes(b, 3, c.encode())
	if transcript != nil {
		b = appendBytes(b, fieldTranscript, transcript)
	}
	return b
}

func encodeRespHello(c *claim) []byte {
	return appendBytes(appendBytes(nil, 1, []byte(suiteName)), 2, c.encode())
}

func encodeInitDone(c *claim) []byte {
	return appendBytes(nil, 1, c.encode())
}

// --- reading ---

// fields calls f for each length-delimited field of a proto3 message; all other fields are checked and skipped.
func fields(b []byte, f func(number uint64, value []byte) error) error {
	for len(b) > 0 {
		tag, n := varint(b)
		if n == 0 {
			return Malformed
		}
		b = b[n:]
		number := tag >> 3
		if number == 0 || number > 1<<29-1 {
			return Malformed
		}
		var value []byte
		switch tag & 7 {
		case wireVarint:
			if _, n = varint(b); n == 0 {
				return Malformed
			}
		case wireFixed64:
			n = 8
		case wireFixed32:
			n = 4
		case wireBytes:
			size, m := varint(b)
			if m == 0 || size > uint64(len(b)-m) {
				return Malformed
			}
			n = m + int(size)
			value = b[m:n:n]
		default:
			return Malformed
		}
		if n > len(b) {
			return Malformed
		}
		b = b[n:]
		if tag&7 == wireBytes {
			if err := f(number, value); err != nil {
				return err
			}
		}
	}
	return nil
}

// varint returns 0 as the length when b does not begin with a varint of at most 10 bytes and 64 bits.
func varint(b []byte) (v uint64, n int) {
	for i := 0; i < len(b) && i < 10; i++ {
		if i == 9 && b[i] > 1 {
			return 0, 0
		}
		v |= uint64(b[i]&0x7f) << (7 * i)
		if b[i] < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}

func checkSuite(v []byte) error {
	if !utf8.Valid(v) {
		return Malformed
	}
	return nil
}

// merge reads v into the claim, so that a repeated auth_claim is merged field by field.
func (c *claim) merge(v []byte) (*claim, error) {
	if c == nil {
		c = new(claim)
	}
	err := fields(v, func(number uint64, value []byte) error {
		switch number {
		case 1:
			c.key = value
		case 2:
			c.sig = value
		}
		return nil
	})
	return c, err
}

func decodeInitHello(b []byte) (p initHelloPayload, err error) {
	err = fields(b, func(number uint64, value []byte) (err error) {
		switch number {
		case 1:
			return checkSuite(value)
		case 2:
			p.timestamp = value
		case 3:
			p.claim, err = p.claim.merge(value)
		case fieldTranscript:
			if len(value) == transcriptSize {
				p.transcript = value
			}
		}
		return err
	})
	return p, err
}

func decodeRespHello(b []byte) (c *claim, err error) {
	err = fields(b, func(number uint64, value []byte) (err error) {
		switch number {
		case 1:
			return checkSuite(value)
		case 2:
			c, err = c.merge(value)
		}
		return err
	})
	return c, err
}

func decodeInitDone(b []byte) (c *claim, err error) {
	err = fields(b, func(number uint64, value []byte) (err error) {
		if number == 1 {
			c, err = c.merge(value)
		}
		return err
	})
	return c, err
}
