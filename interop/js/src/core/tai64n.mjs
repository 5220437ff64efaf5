import { drop } from './bytes.mjs'

// TAI-UTC grew by one second at 00:00:00 UTC of each of these days: spec/p2pke.md section 3.4.
const leaps = `1972-07-01 1973-01-01 1974-01-01 1975-01-01 1976-01-01 1977-01-01 1978-01-01 1979-01-01 1980-01-01
1981-07-01 1982-07-01 1983-07-01 1985-07-01 1988-01-01 1990-01-01 1991-01-01 1992-07-01 1993-07-01
1994-07-01 1996-01-01 1997-07-01 1999-01-01 2006-01-01 2009-01-01 2012-07-01 2015-07-01 2017-01-01`
  .split(/\s+/).map(day => BigInt(Date.parse(day + 'T00:00:00Z') / 1000))

export function tai64n (seconds, nanoseconds) {
  const unix = BigInt(seconds)
  const offset = 10n + BigInt(leaps.filter(day => day <= unix).length)
  const out = Buffer.alloc(12)
  out.writeBigUInt64BE(2n ** 62n + unix + offset)
  out.writeUInt32BE(nanoseconds, 8)
  return out
}

export function checkTai64n (bytes) {
  if (bytes === null || bytes.length !== 12 || bytes.readUInt32BE(8) >= 1e9) drop('Malformed')
}
