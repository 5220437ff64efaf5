package p2pke

import (
	"encoding/binary"
	"sort"
	"time"
)

// TimestampSize is the length of a TAI64N timestamp.
const TimestampSize = 12

// leapDays are the days from whose midnight (UTC) on TAI-UTC is one second larger. Before the first it is 10 s.
var leapDays = []string{
	"1972-07-01", "1973-01-01", "1974-01-01", "1975-01-01", "1976-01-01", "1977-01-01", "1978-01-01",
	"1979-01-01", "1980-01-01", "1981-07-01", "1982-07-01", "1983-07-01", "1985-07-01", "1988-01-01",
	"1990-01-01", "1991-01-01", "1992-07-01", "1993-07-01", "1994-07-01", "1996-01-01", "1997-07-01",
	"1999-01-01", "2006-01-01", "2009-01-01", "2012-07-01", "2015-07-01", "2017-01-01",
}

var leapSeconds = func() []int64 {
	s := make([]int64, len(leapDays))
	for i, d := range leapDays {
		t, err := time.Parse("2006-01-02", d)
		if err != nil {
			panic(err)
		}
		s[i] = t.Unix()
	}
	return s
}()

// EncodeTimestamp returns the TAI64N form of a wall-clock time.
func EncodeTimestamp(t time.Time) (out [TimestampSize]byte) {
	unix := t.Unix()
	passed := sort.Search(len(leapSeconds), func(i int) bool { return leapSeconds[i] > unix })
	binary.BigEndian.PutUint64(out[:8], 1<<62+uint64(unix+10+int64(passed)))
	binary.BigEndian.PutUint32(out[8:], uint32(t.Nanosecond()))
	return out
}

// checkTimestamp looks at the form only: peers do not compare clocks.
func checkTimestamp(b []byte) error {
	if len(b) != TimestampSize || binary.BigEndian.Uint32(b[8:]) >= 1e9 {
		return Malformed
	}
	return nil
}
