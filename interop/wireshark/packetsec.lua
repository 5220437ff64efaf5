-- A Wireshark dissector of what PacketSec sends over UDP: frames of PSEC, handshakes of p2pke-1 and mychips-1, sealed packets. It needs no keys.
-- The bytes are those of spec/psec.md, p2pke.md, mychips.md and sessions.md there; the kinds have the names of `psec inspect --json`.

local psec = Proto("psec", "PacketSec negotiation (PSEC)")
local p2pke = Proto("p2pke", "PacketSec handshake (p2pke-1)")
local mychips = Proto("mychips", "PacketSec handshake (mychips-1)")
local session = Proto("packetsec_session", "PacketSec session")

local directions = { [0] = "initiator to responder", [1] = "responder to initiator" }

local f = {
  type = ProtoField.string("psec.type", "Type"),
  kind = ProtoField.string("psec.kind", "Malformed kind"),
  drop = ProtoField.string("psec.drop", "Drop reason"),
  peer_id = ProtoField.string("psec.peer_id", "Peer ID"),
  peer_id_is_hash = ProtoField.bool("psec.peer_id_is_hash", "Peer ID is a hash"),
  scheme = ProtoField.string("psec.scheme", "Scheme"),
  psec_string = ProtoField.string("psec.string", "PSEC string"),
  cookie = ProtoField.string("psec.cookie", "Cookie"),
  first_packet = ProtoField.bytes("psec.first_packet", "First packet"),
}
psec.fields = { f.type, f.kind, f.drop, f.peer_id, f.peer_id_is_hash, f.scheme, f.psec_string, f.cookie, f.first_packet }

local h = {
  ephemeral = ProtoField.bytes("p2pke.ephemeral", "Ephemeral key"),
  suite = ProtoField.string("p2pke.suite", "Suite"),
  timestamp = ProtoField.absolute_time("p2pke.timestamp", "Timestamp", base.UTC),
  key = ProtoField.bytes("p2pke.key", "Claimed key (X.509)"),
  peer_id = ProtoField.string("p2pke.peer_id", "Claimed peer ID"),
  signature = ProtoField.bytes("p2pke.signature", "Signature, not verified"),
  tag = ProtoField.bytes("p2pke.tag", "Transcript tag"),
  sealed_size = ProtoField.uint32("p2pke.sealed_size", "Sealed bytes"),
}
p2pke.fields = { h.ephemeral, h.suite, h.timestamp, h.key, h.peer_id, h.signature, h.tag, h.sealed_size }

local m = {
  letter = ProtoField.string("mychips.letter", "Letter"),
  ephemeral = ProtoField.bytes("mychips.ephemeral", "Ephemeral key"),
  name_ephemeral = ProtoField.bytes("mychips.name_ephemeral", "Ephemeral key of the name"),
  site_id_size = ProtoField.uint32("mychips.site_id_size", "Site ID bytes"),
  claim_size = ProtoField.uint32("mychips.claim_size", "Claim bytes"),
  strings_size = ProtoField.uint32("mychips.strings_size", "Bytes of user's address, purpose and certificate"),
  certificate_size = ProtoField.uint32("mychips.certificate_size", "Certificate bytes"),
}
mychips.fields = { m.letter, m.ephemeral, m.name_ephemeral, m.site_id_size, m.claim_size, m.strings_size, m.certificate_size }

local s = {
  direction = ProtoField.uint32("session.direction", "Direction", base.DEC, directions, 0x80000000),
  counter = ProtoField.uint32("session.counter", "Counter", base.DEC, nil, 0x7fffffff),
  payload_size = ProtoField.uint32("session.payload_size", "Payload bytes"),
  closing = ProtoField.bool("session.closing", "Closing message"),
}
session.fields = { s.direction, s.counter, s.payload_size, s.closing }

local malformed = ProtoExpert.new("psec.malformed", "Malformed, dropped by every receiver", expert.group.MALFORMED, expert.severity.ERROR)
local ambiguous = ProtoExpert.new("psec.ambiguous", "Can be a frame or a sealed packet", expert.group.UNDECODED, expert.severity.NOTE)
psec.experts = { malformed, ambiguous }

local MAX_HANDSHAKE = 2048
local OVERHEAD = 20
local CLOSING = 2 ^ 31 - 1
local P2PKE, MYCHIPS = "p2pke-1", "mychips-1"

-- Bytes. Positions count from 1, as those of Lua strings do; readers return nil and the problem when something is wrong.

local function to_base58(bytes)
  local alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
  local digits, zeros = {}, 0
  for i = 1, #bytes do
    local carry = bytes:byte(i)
    if carry == 0 and zeros == i - 1 then zeros = i end
    for j = 1, #digits do
      carry = carry + digits[j] * 256
      digits[j] = carry % 58
      carry = math.floor(carry / 58)
    end
    while carry > 0 do
      digits[#digits + 1] = carry % 58
      carry = math.floor(carry / 58)
    end
  end
  local text = { string.rep("1", zeros) }
  for j = #digits, 1, -1 do
    text[#text + 1] = alphabet:sub(digits[j] + 1, digits[j] + 1)
  end
  return table.concat(text)
end

-- Each pattern begins with a byte that no other one has, and takes exactly the bytes that belong to it.
local utf8_sequences = {
  "[\194-\223][\128-\191]", "\224[\160-\191][\128-\191]", "[\225-\236\238\239][\128-\191][\128-\191]", "\237[\128-\159][\128-\191]",
  "\240[\144-\191][\128-\191][\128-\191]", "[\241-\243][\128-\191][\128-\191][\128-\191]", "\244[\128-\143][\128-\191][\128-\191]",
}

local function is_utf8(text)
  for _, sequence in ipairs(utf8_sequences) do
    text = text:gsub(sequence, " ")
  end
  return not text:find("[\128-\255]")
end

-- Returns the number and the position after it. Beyond 2^53 the number is not exact, and no length comes near. Integers would wrap around.
local function read_varint(bytes, at, longest)
  local value, scale = 0.0, 1.0
  for i = at, math.min(#bytes, at + longest - 1) do
    local b = bytes:byte(i)
    value = value + (b % 128) * scale
    scale = scale * 128
    if b < 128 then return value, i + 1 end
  end
  return nil
end

-- Returns the range of bytes after their length, as PSEC has it: { at, length, after }.
local function read_delimited(bytes, at, what)
  if at > #bytes then return nil, "the frame ends before " .. what end
  local length, after = read_varint(bytes, at, 9)
  if not length or (after > at + 1 and bytes:byte(after - 1) == 0) then
    return nil, "the length of " .. what .. " is cut, not minimal, or longer than 9 bytes"
  end
  if length > #bytes - after + 1 then
    return nil, string.format("%s claims %.0f bytes where %d are left", what, length, #bytes - after + 1)
  end
  return { at = after, length = length, after = after + length }
end

local function text_of(bytes, range) return bytes:sub(range.at, range.at + range.length - 1) end

local function read_string(bytes, at, what)
  local range, problem = read_delimited(bytes, at, what)
  if not range then return nil, problem end
  if range.length == 0 then return nil, what .. " is empty" end
  if not is_utf8(text_of(bytes, range)) then return nil, what .. " is not UTF-8" end
  return range
end

local function is_multihash(id)
  local code, length = id:byte(1, 2)
  return #id > 2 and #id == 2 + length and ((code == 0 and length <= 42) or (code == 0x12 and length == 32))
end

local function read_proposal(bytes)
  local peer, problem = read_delimited(bytes, 2, "the peer ID")
  if not peer then return nil, problem end
  if not is_multihash(text_of(bytes, peer)) then
    return nil, "the peer ID is neither an identity multihash of 1 to 42 bytes nor a SHA-256 one"
  end
  local count = bytes:byte(peer.after)
  if not count or count == 0 then return nil, count and "the number of strings is 0" or "the frame ends before the number of strings" end
  local frame, at = { peer = peer, strings = {} }, peer.after + 1
  for i = 1, count do
    local text
    text, problem = read_string(bytes, at, string.format("string %d of %d", i, count))
    if not text then return nil, problem end
    frame.strings[i], at = text, text.after
  end
  if at <= #bytes then
    frame.first_packet, problem = read_delimited(bytes, at, "the first packet")
    if not frame.first_packet then return nil, problem end
    if frame.first_packet.length == 0 then return nil, "the first packet is empty" end
    if frame.first_packet.after <= #bytes then return nil, "after the end comes more" end
  end
  return frame
end

local function read_accept(bytes)
  local scheme, problem = read_string(bytes, 2, "the scheme")
  if scheme and scheme.after <= #bytes then return nil, "after the end comes more" end
  return scheme, problem
end

-- Returns the fields of a proto3 message that hold bytes.
local function read_fields(bytes, at, stop)
  local part, fields = bytes:sub(1, stop), {}
  while at <= stop do
    local tag, after = read_varint(part, at, 10)
    local number = tag and math.floor(tag / 8)
    if not tag or number == 0 or number >= 2 ^ 29 then return nil end
    local wire_type, length = tag % 8, 0
    if wire_type == 0 or wire_type == 2 then
      local from = after
      length, after = read_varint(part, after, 10)
      if not length or (after == from + 10 and part:byte(after - 1) > 1) then return nil end
    end
    if wire_type == 2 then
      fields[#fields + 1] = { number = number, at = after, length = length }
      after = after + length
    elseif wire_type == 1 or wire_type == 5 then
      after = after + (wire_type == 1 and 8 or 4)
    elseif wire_type ~= 0 then
      return nil
    end
    if after > stop + 1 then return nil end
    at = after
  end
  return fields
end

-- Returns what an InitHello says, the drop reason and the problem; the latter two are nil when nothing is wrong.
local function read_init_hello(bytes)
  if #bytes < 36 then return nil, "TooShort", "it has less than 36 bytes" end
  if #bytes > MAX_HANDSHAKE then return nil, "TooLong", "it has more than 2048 bytes" end
  local fields = read_fields(bytes, 37, #bytes)
  local hello = { suites = {} }
  for _, field in ipairs(fields or {}) do
    if field.number == 1 then
      hello.suites[#hello.suites + 1] = field
      if not is_utf8(text_of(bytes, field)) then fields = nil end
    elseif field.number == 2 then
      hello.timestamp = field
    elseif field.number == 3 then
      local parts = read_fields(bytes, field.at, field.at + field.length - 1)
      fields = parts and fields
      for _, part in ipairs(parts or {}) do
        if part.number == 1 then
          hello.key = part
        elseif part.number == 2 then
          hello.signature = part
        end
      end
    elseif field.number == 15 and field.length == 8 then
      hello.tag = field
    end
  end
  if not fields then
    return { suites = {} }, "Malformed", "the payload is not proto3, or a suite is not UTF-8"
  elseif not hello.timestamp or hello.timestamp.length ~= 12 then
    hello.timestamp = nil
    return hello, "Malformed", "the timestamp does not have 12 bytes"
  elseif not hello.key or not hello.signature or hello.key.length == 0 or hello.signature.length == 0 then
    return hello, "Malformed", "the claim, its key or its signature is missing"
  end
  return hello
end

-- Unix seconds from which each leap second after the first ten counts.
local leap_seconds = {
  78796800, 94694400, 126230400, 157766400, 189302400, 220924800, 252460800, 283996800, 315532800, 362793600, 394329600, 425865600, 489024000,
  567993600, 631152000, 662688000, 709948800, 741484800, 773020800, 820454400, 867715200, 915148800, 1136073600, 1230768000, 1341100800,
  1435708800, 1483228800,
}

-- Returns the time of 12 bytes of TAI64N, or nil when it is no time that can be shown. A leap second counts as the second after it.
local function read_tai64n(range)
  local nanoseconds = range(8, 4):uint()
  if nanoseconds >= 1000000000 or range(0, 4):uint() ~= 0x40000000 then return nil end
  local tai, offset = range(4, 4):uint(), 10
  for _, from in ipairs(leap_seconds) do
    offset = tai - offset - 1 >= from and offset + 1 or offset
  end
  return NSTime(tai - offset, nanoseconds)
end

-- What was seen between two addresses: the numbers of the frames that showed it. Frames are dissected more than once and in any order later.

local flows = {}

function psec.init()
  flows = {}
end

local function flow_of(pinfo)
  local from = tostring(pinfo.src) .. " " .. pinfo.src_port
  local to = tostring(pinfo.dst) .. " " .. pinfo.dst_port
  local key = from < to and from .. " " .. to or to .. " " .. from
  local flow = flows[key] or { session = math.huge, proposed = {}, schemes = {} }
  flows[key] = flow
  return flow, from, to
end

local function learn_scheme(pinfo, flow, scheme)
  if not pinfo.visited then flow.schemes[#flow.schemes + 1] = { number = pinfo.number, name = scheme } end
end

local function scheme_of(pinfo, flow)
  local name
  for _, entry in ipairs(flow.schemes) do
    name = entry.number < pinfo.number and entry.name or name
  end
  return name
end

local function learn_session(pinfo, flow) flow.session = math.min(flow.session, pinfo.number) end

-- Trees. Each function adds one kind and returns its name for the column.

local function add_type(tree, name) tree:add(f.type, name):set_generated() end

local function add_malformed(tree, kind, drop, problem)
  add_type(tree, "malformed")
  tree:add(f.kind, kind):set_generated()
  tree:add(f.drop, drop):set_generated()
  tree:add_proto_expert_info(malformed, "Malformed " .. kind .. ": " .. problem)
  return "malformed " .. kind .. ": " .. problem
end

-- Of a transport packet of mychips-1 the header stands behind the letter: the range begins there.
local function add_header(tree, tvb)
  local part = tree:add(session, tvb(0, 4), "Header")
  part:add(s.direction, tvb(0, 4))
  part:add(s.counter, tvb(0, 4))
  return part
end

local function add_sealed(tree, tvb)
  local part = add_header(tree, tvb)
  local counter, size = tvb(0, 4):uint() % 2 ^ 31, tvb:len() - OVERHEAD
  part:add(s.payload_size, size):set_generated()
  part:add(s.closing, counter == CLOSING):set_generated()
  return string.format("%s, counter %d, %d bytes", counter == CLOSING and "closing message" or size == 0 and "empty packet" or "data", counter, size)
end

local function add_init_hello(tree, tvb)
  local bytes = tvb:raw()
  if bytes:sub(1, 4) ~= "\0\0\0\0" then return add_malformed(tree, "init_hello", "Malformed", "the first word is not 00000000") end
  local hello, drop, problem = read_init_hello(bytes)
  local label = "InitHello"
  if hello and hello.timestamp and not drop and tvb(hello.timestamp.at + 7, 4):uint() >= 1000000000 then
    drop, problem = "Malformed", "the timestamp has 10^9 nanoseconds or more"
  end
  if drop then
    label = add_malformed(tree, "init_hello", drop, problem)
  else
    add_type(tree, "init_hello")
  end
  if not hello then return label, false end
  local part = tree:add(p2pke, tvb(), "InitHello")
  local function range_of(field) return tvb(field.at - 1, field.length) end
  part:add(h.ephemeral, tvb(4, 32))
  for _, suite in ipairs(hello.suites) do
    part:add(h.suite, range_of(suite), text_of(bytes, suite))
  end
  local time = hello.timestamp and read_tai64n(range_of(hello.timestamp))
  if time then part:add(h.timestamp, range_of(hello.timestamp), time) end
  if hello.key and hello.key.length > 0 then
    part:add(h.key, range_of(hello.key))
    local key = text_of(bytes, hello.key)
    -- The peer ID of another kind of key is a hash of it.
    if #key == 44 and key:sub(1, 12) == "\48\42\48\5\6\3\43\101\112\3\33\0" then
      part:add(h.peer_id, range_of(hello.key), to_base58("\0\36\8\1\18\32" .. key:sub(13)))
    end
  end
  if hello.signature and hello.signature.length > 0 then part:add(h.signature, range_of(hello.signature)) end
  if hello.tag then part:add(h.tag, range_of(hello.tag)) end
  return label, not drop
end

local function add_ambiguous(tree, tvb, name)
  add_type(tree, "ambiguous")
  tree:add_proto_expert_info(ambiguous, "Can be " .. name .. ", or data")
  add_sealed(tree, tvb)
  return "ambiguous: " .. name .. ", or data"
end

-- mychips-1. The sizes are those of the table in spec/mychips.md, section 2.

-- Returns the layout of an N packet: where the name begins, and its length. The second message, a K of 49 bytes, ends the packet.
local function read_site(bytes)
  local name = read_delimited(bytes, 2, "the name")
  if not name or name.length < 49 or name.length > 303 or bytes:byte(name.after) ~= 75 or #bytes ~= name.after + 48 then return nil end
  return name
end

local FIRST = { I = "mychips_ticket", N = "mychips_site", K = "mychips_known" }

-- Returns the kind of a packet that begins with a letter, the drop reason and the problem; the latter two are nil when nothing is wrong.
local function read_lettered(bytes)
  local letter, size = bytes:sub(1, 1), #bytes
  if letter == "T" then
    if bytes:sub(2, 5) == "\0\0\0\12" then
      if size < 21 or size > 1045 then return "mychips_finish", size < 21 and "TooShort" or "TooLong", "it has less than 21 bytes, or more than 1045" end
      return "mychips_finish"
    elseif size < 21 then
      return "packet", "TooShort", "it has less than 21 bytes"
    end
    local b1, b2, b3, b4 = bytes:byte(2, 5)
    local counter = (b1 % 128) * 2 ^ 24 + b2 * 2 ^ 16 + b3 * 2 ^ 8 + b4
    if counter < 16 then return "packet", "ReservedCounter", string.format("counter %d is reserved", counter) end
    return counter == CLOSING and "closing" or "data"
  end
  local kind, longest = FIRST[letter] or "mychips_answer", FIRST[letter] and 1701 or 49
  if size < 49 or size > longest then
    return kind, size < 49 and "TooShort" or "TooLong", "it has less than 49 bytes, or more than " .. longest
  elseif (letter == "I" and size < 163) or (letter == "K" and size ~= 49) or (letter == "N" and not read_site(bytes)) then
    return kind, "Malformed", "its parts do not have their lengths"
  end
  return kind
end

local function add_lettered(tree, tvb, kind)
  local bytes = tvb:raw()
  local letter, size = bytes:sub(1, 1), #bytes
  add_type(tree, kind)
  local part = tree:add(mychips, tvb(), "Letter " .. letter)
  part:add(m.letter, tvb(0, 1))
  if letter ~= "T" then
    part:add(m.ephemeral, letter == "N" and tvb(size - 48, 32) or tvb(1, 32))
    if letter == "I" then
      part:add(m.claim_size, size - 97):set_generated()
      part:add(m.strings_size, size - 163):set_generated()
    elseif letter == "N" then
      local name = read_site(bytes)
      part:add(m.name_ephemeral, tvb(name.at - 1, 32))
      part:add(m.site_id_size, name.length - 48):set_generated()
    end
  elseif kind == "mychips_finish" then
    add_header(tree, tvb(1):tvb())
    part:add(m.certificate_size, size - 21):set_generated()
  else
    return add_sealed(tree, tvb(1):tvb())
  end
  return kind .. " of " .. MYCHIPS
end

local function add_first_lettered(tree, tvb)
  local first = FIRST[tvb:raw():sub(1, 1)]
  if not first then return add_malformed(tree, "packet", "UnexpectedHandshake", "it does not begin with I, N or K") end
  local kind, drop, problem = read_lettered(tvb:raw())
  return drop and add_malformed(tree, kind, drop, problem) or add_lettered(tree, tvb, kind)
end

-- To other schemes these are packets with counters that no session reaches, so what fits is of this one, whatever was seen before.
local function try_lettered(tree, tvb, pinfo, flow, has_session)
  local kind, drop, problem = read_lettered(tvb:raw())
  if not drop then
    learn_session(pinfo, flow)
    learn_scheme(pinfo, flow, MYCHIPS)
    return add_lettered(tree, tvb, kind)
  elseif scheme_of(pinfo, flow) == MYCHIPS or tvb:len() < OVERHEAD then
    return add_malformed(tree, kind, drop, problem)
  elseif not has_session then
    return add_ambiguous(tree, tvb, "a malformed " .. kind .. " (" .. problem .. ")")
  end
end

local function add_proposal(tree, tvb, frame)
  local bytes = tvb:raw()
  add_type(tree, "proposal")
  tree:add(f.peer_id, tvb(frame.peer.at - 1, frame.peer.length), to_base58(text_of(bytes, frame.peer)))
  tree:add(f.peer_id_is_hash, bytes:byte(frame.peer.at) ~= 0):set_generated()
  local first_scheme
  for _, range in ipairs(frame.strings) do
    local text = text_of(bytes, range)
    local is_scheme = text:sub(1, 5) ~= "psec-"
    tree:add(is_scheme and f.scheme or f.psec_string, tvb(range.at - 1, range.length), text)
    first_scheme = first_scheme or (is_scheme and text)
  end
  if frame.first_packet then
    local inner = tvb(frame.first_packet.at - 1, frame.first_packet.length)
    local part = tree:add(f.first_packet, inner)
    if first_scheme == P2PKE then add_init_hello(part, inner:tvb()) end
    if first_scheme == MYCHIPS then add_first_lettered(part, inner:tvb()) end
  end
  return "proposal, first choice " .. (first_scheme or "none")
end

local function add_accept(tree, tvb, range)
  local text = text_of(tvb:raw(), range)
  local cookie = text:match("^psec%-retry%-1:(.*)$")
  add_type(tree, cookie and "retry" or "accept")
  tree:add(cookie and f.cookie or f.scheme, tvb(range.at - 1, range.length), cookie or text)
  return cookie and "retry" or "accept " .. text
end

-- The schemes whose messages say by their first word which they are, and otherwise nothing.
local SCHEME_OF_WORD = {
  [0x00000004] = "noise-xx-1", [0x80000005] = "noise-xx-1", [0x00000006] = "noise-xx-1",
  [0x00000008] = "secret-handshake-1", [0x80000009] = "secret-handshake-1", [0x0000000a] = "secret-handshake-1",
}

local function add_handshake(tree, tvb, pinfo, flow)
  local word, counter = tvb(0, 4):uint(), tvb(0, 4):uint() % 2 ^ 31
  local other = scheme_of(pinfo, flow)
  if not other or other == P2PKE or other == MYCHIPS then other = SCHEME_OF_WORD[word] or P2PKE end
  if other ~= P2PKE and not (word == 0 and not select(2, read_init_hello(tvb:raw()))) then
    add_type(tree, "handshake")
    tree:add(f.scheme, other):set_generated()
    add_header(tree, tvb)
    learn_session(pinfo, flow)
    return "handshake message of " .. other
  end
  local label, minimum
  if word == 0 then
    local is_valid
    label, is_valid = add_init_hello(tree, tvb)
    if is_valid then
      learn_session(pinfo, flow)
      learn_scheme(pinfo, flow, P2PKE)
    end
    return label
  elseif word == 0x80000001 then
    label, minimum = "resp_hello", 52
  elseif word == 2 then
    label, minimum = "init_done", 20
  elseif counter > 2 then
    return add_malformed(tree, "packet", "ReservedCounter", string.format("counter %d is reserved", counter))
  else
    return add_malformed(tree, "packet", "UnexpectedHandshake", string.format("counter %d is never sent in this direction", counter))
  end
  if tvb:len() < minimum then return add_malformed(tree, label, "TooShort", "it has less than " .. minimum .. " bytes") end
  if tvb:len() > MAX_HANDSHAKE then return add_malformed(tree, label, "TooLong", "it has more than 2048 bytes") end
  add_type(tree, label)
  learn_session(pinfo, flow)
  local part = tree:add(p2pke, tvb(), label == "init_done" and "InitDone" or "RespHello")
  local clear = 4
  if label == "resp_hello" then
    part:add(h.ephemeral, tvb(4, 32))
    clear = 36
  end
  part:add(h.sealed_size, tvb:len() - clear):set_generated()
  return label == "init_done" and "InitDone" or "RespHello"
end

local function add_packet(tree, tvb, pinfo, flow)
  if tvb:len() < 4 then return add_malformed(tree, "packet", "TooShort", "it has less than 4 bytes") end
  if tvb(0, 4):uint() % 2 ^ 31 < 16 then return add_handshake(tree, tvb, pinfo, flow) end
  if tvb:len() < OVERHEAD then return add_malformed(tree, "packet", "TooShort", "it has less than 20 bytes") end
  add_type(tree, tvb(0, 4):uint() % 2 ^ 31 == CLOSING and "closing" or "data")
  learn_session(pinfo, flow)
  return add_sealed(tree, tvb)
end

local function add_datagram(tree, tvb, pinfo)
  local bytes = tvb:raw()
  local first, second = bytes:byte(1, 2)
  local flow, from, to = flow_of(pinfo)
  local has_session = flow.session < pinfo.number
  if first == 0 and second and second >= 2 then
    local frame, problem = read_proposal(bytes)
    if frame and #bytes > MAX_HANDSHAKE then
      return add_malformed(tree, "proposal", "TooLong", "it has more than 2048 bytes")
    elseif frame then
      flow.proposed[from] = math.min(flow.proposed[from] or math.huge, pinfo.number)
      return add_proposal(tree, tvb, frame)
    elseif #bytes < OVERHEAD then
      return add_malformed(tree, "proposal", "Malformed", problem)
    elseif not has_session then
      return add_ambiguous(tree, tvb, "a malformed proposal (" .. problem .. ")")
    end
  elseif first == 1 then
    local range, problem = read_accept(bytes)
    if range and #bytes >= OVERHEAD and has_session and (flow.proposed[to] or math.huge) > pinfo.number then
      return add_ambiguous(tree, tvb, "an accept that nobody asked for")
    elseif range then
      local scheme = text_of(bytes, range)
      if scheme:sub(1, 5) ~= "psec-" then learn_scheme(pinfo, flow, scheme) end
      return add_accept(tree, tvb, range)
    elseif #bytes < OVERHEAD then
      return add_malformed(tree, "accept", "Malformed", problem)
    end
  elseif first == 0xff and #bytes == 1 then
    add_type(tree, "reject")
    return "reject"
  elseif bytes:find("^[INKAT]") then
    local label = try_lettered(tree, tvb, pinfo, flow, has_session)
    if label then return label end
  end
  return add_packet(tree, tvb, pinfo, flow)
end

function psec.dissector(tvb, pinfo, root)
  pinfo.cols.protocol = "PacketSec"
  local tree = root:add(psec, tvb())
  local label
  if tvb:reported_len() > tvb:len() then
    add_type(tree, "truncated")
    label = "not captured whole"
  else
    label = add_datagram(tree, tvb, pinfo)
  end
  tree:append_text(", " .. label)
  pinfo.cols.info = label
  return tvb:len()
end

-- Only what hardly anything else looks like begins a conversation; all that follows between the two addresses belongs to it.
psec:register_heuristic("udp", function(tvb, pinfo, root)
  if tvb:len() < 4 or tvb:reported_len() > tvb:len() then return false end
  local bytes = tvb:raw()
  if bytes:sub(1, 4) == "\0\0\0\0" then
    local _, drop = read_init_hello(bytes)
    if drop then return false end
  elseif bytes:byte(1) ~= 0 or bytes:byte(2) < 2 or not read_proposal(bytes) then
    return false
  end
  pinfo.conversation = psec
  psec.dissector(tvb, pinfo, root)
  return true
end)

local udp_ports = DissectorTable.get("udp.port")
local registered = ""
psec.prefs.ports = Pref.range("UDP ports", "", "Ports whose datagrams are PacketSec's, whatever they begin with", 65535)

function psec.prefs_changed()
  if registered ~= psec.prefs.ports then
    if registered ~= "" then udp_ports:remove(registered, psec) end
    registered = psec.prefs.ports
    if registered ~= "" then udp_ports:add(registered, psec) end
  end
end

udp_ports:add_for_decode_as(psec)
