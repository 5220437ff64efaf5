// Command psec-go is an independent peer for PSEC with the schemes p2pke-1, noise-xx-1 and secret-handshake-1.
package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"p2pke"
)

const version = "psec-go 3 (PSEC, p2pke-1, noise-xx-1, secret-handshake-1)"

// Exit codes.
const (
	exitOK            = 0
	exitLost          = 1
	exitUsage         = 2
	exitTimeout       = 3
	exitWrongIdentity = 4
)

const usage = `usage:
  psec-go keygen KEYFILE
  psec-go id [--p2pke] KEYFILE
  psec-go listen --key KEYFILE --addr IP:PORT [--direct] [--echo] [--stats] [--lifetime-ms N] [--max-datagram N]
  psec-go dial   --key KEYFILE [--count N] [--size B] [--window W] [--timeout-ms T] [--echo-timeout-ms T] [--duration-ms D]
                 [--require-all] [--direct] [--addr IP:PORT] [--lifetime-ms N] [--max-datagram N] PEER@host:port
  psec-go both   --key KEYFILE --addr IP:PORT [--echo] [--linger-ms L] [the options of dial] PEER@host:port
  psec-go bench  --key KEYFILE [--direct] [--size B] [--window W] [--seconds S] [--max-datagram N] PEER@host:port
  psec-go flood-recv --key KEYFILE --addr IP:PORT [--direct] [--size B] [--seconds S]
  psec-go flood-send --key KEYFILE [--direct] [--size B] [--seconds S] PEER@host:port
  psec-go version

All but keygen, id and version take [--scheme NAME[,NAME...]] [--hidden] [--allow-mixture] [--network-key FILE].
`

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	if len(args) == 0 {
		fmt.Fprint(os.Stderr, usage)
		return exitUsage
	}
	switch args[0] {
	case "version":
		fmt.Println(version)
		return exitOK
	case "keygen":
		return keygen(args[1:])
	case "id":
		return id(args[1:])
	case "listen":
		return listen(args[1:])
	case "dial":
		return dial(args[1:])
	case "both":
		return both(args[1:])
	case "bench":
		return bench(args[1:])
	case "flood-recv":
		return floodReceive(args[1:])
	case "flood-send":
		return floodSend(args[1:])
	}
	fmt.Fprint(os.Stderr, usage)
	return exitUsage
}

func fail(code int, err error) int {
	fmt.Fprintln(os.Stderr, "psec-go:", err)
	return code
}

// flags collects what listen, dial and bench have in common.
type flags struct {
	*flag.FlagSet
	key, addr                  string
	lifetime, datagram         int
	count, size, window        int
	timeout, duration, seconds int
	linger, echoTimeout        int
	echo, stats, requireAll    bool
	direct                     bool
	schemes, network           string
	hidden, mixed              bool
	speaks                     p2pke.Config
	peerKey                    *p2pke.PublicKey
	identity                   *p2pke.Identity
	peer                       p2pke.PeerID
	local, remote              netip.AddrPort
}

func newFlags(name string) *flags {
	f := &flags{FlagSet: flag.NewFlagSet(name, flag.ContinueOnError)}
	f.Usage = func() { fmt.Fprint(os.Stderr, usage) }
	f.StringVar(&f.key, "key", "", "private key file")
	f.StringVar(&f.addr, "addr", "", "local address")
	f.IntVar(&f.lifetime, "lifetime-ms", 60000, "lifetime of a session; the rekey times shrink with it")
	f.BoolVar(&f.direct, "direct", false, "serve handshakes without negotiation too, and dial without one")
	f.defineSchemes()
	f.IntVar(&f.datagram, "max-datagram", 1232, "longest UDP payload to send")
	return f
}

// parse also takes flags that stand behind the target.
func (f *flags) parse(args []string, target bool) error {
	var rest []string
	for {
		if err := f.FlagSet.Parse(args); err != nil {
			return err
		}
		if f.NArg() == 0 {
			break
		}
		rest = append(rest, f.Arg(0))
		args = f.Args()[1:]
	}
	if f.key == "" {
		return errors.New("--key is missing")
	}
	if f.lifetime < 100 || f.lifetime > 60000 {
		return errors.New("--lifetime-ms must be 100 to 60000")
	}
	if f.datagram < 64 || f.datagram > 65507 {
		return errors.New("--max-datagram must be 64 to 65507")
	}
	err := f.parseSchemes(&f.speaks)
	if err != nil {
		return err
	}
	if !target {
		if len(rest) > 0 {
			return fmt.Errorf("unexpected argument %q", rest[0])
		}
	} else if len(rest) != 1 {
		return errors.New("one PEER@host:port is needed")
	} else if f.peer, f.peerKey, f.remote, err = parseTarget(rest[0]); err != nil {
		return err
	}
	if f.addr != "" {
		if f.local, err = resolve(f.addr); err != nil {
			return err
		}
	} else if target {
		if f.local, err = localFor(f.remote); err != nil {
			return err
		}
	}
	if !f.local.IsValid() || f.local.Addr().IsUnspecified() {
		return errors.New("--addr needs one local IP address: answers leave from where the handshake arrived")
	}
	f.identity, err = loadKey(f.key)
	return err
}

func (f *flags) config() p2pke.Config {
	c := f.speaks
	c.Identity, c.Direct, c.MaxDatagram = f.identity, f.direct, f.datagram
	c.Lifetime = time.Duration(f.lifetime) * time.Millisecond
	return c
}

func keygen(args []string) int {
	if len(args) != 1 {
		fmt.Fprint(os.Stderr, usage)
		return exitUsage
	}
	identity, err := p2pke.GenerateIdentity()
	if err != nil {
		return fail(exitLost, err)
	}
	text, err := identity.PEM()
	if err != nil {
		return fail(exitLost, err)
	}
	file, err := os.OpenFile(args[0], os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fail(exitUsage, err)
	}
	_, err = file.Write(text)
	if e := file.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fail(exitLost, err)
	}
	fmt.Println(peerText(identity.Public()))
	return exitOK
}

func id(args []string) int {
	f := flag.NewFlagSet("id", flag.ContinueOnError)
	raw := f.Bool("p2pke", false, "print the P2PKE peer id instead")
	if f.Parse(args) != nil || f.NArg() != 1 {
		fmt.Fprint(os.Stderr, usage)
		return exitUsage
	}
	identity, err := loadKey(f.Arg(0))
	if err != nil {
		return fail(exitUsage, err)
	}
	if *raw {
		fmt.Println(identity.Public().ID())
	} else {
		fmt.Println(peerText(identity.Public()))
	}
	return exitOK
}

// --- output ---

type line struct {
	V     int    `json:"v"`
	Event string `json:"event"`
	Addr  string `json:"addr,omitempty"`
	Peer  string `json:"peer,omitempty"`
	P2PKE string `json:"p2pke_peer,omitempty"`
	// Of a session: what both ends agree on.
	Role       string `json:"role,omitempty"`
	Scheme     string `json:"scheme,omitempty"`
	Case       string `json:"case,omitempty"`
	Transcript string `json:"transcript,omitempty"`
	Initiator  string `json:"initiator,omitempty"`
	Binding    string `json:"binding,omitempty"`

	Reason string `json:"reason,omitempty"`
}

var output sync.Mutex

func emit(v interface{}) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	output.Lock()
	defer output.Unlock()
	os.Stdout.Write(append(b, '\n'))
}

func channelLine(event string, c *p2pke.Channel) line {
	l := line{V: 1, Event: event, Addr: c.Remote().String(), P2PKE: c.Peer().String()}
	if key := c.Key(); key != nil {
		l.Peer = peerText(key)
	}
	return l
}

// sessionLine tells of a session what its other end tells too, but for the role.
func sessionLine(event string, own *p2pke.PublicKey, e p2pke.Event) line {
	l := channelLine(event, e.Channel)
	l.Case = string(e.Session.Case)
	l.Scheme = e.Session.Scheme
	if e.Session.Case != p2pke.CaseDirect {
		l.Transcript = hex.EncodeToString(e.Session.Transcript)
	}
	l.Binding = hex.EncodeToString(e.Session.Hash())
	l.Role, l.Initiator = "responder", l.Peer
	if e.Session.Initiated {
		l.Role, l.Initiator = "initiator", peerText(own)
	}
	return l
}

// show prints an event.
func (f *flags) show(e p2pke.Event) {
	switch e.Kind {
	case p2pke.Connected:
		emit(sessionLine("connected", f.identity.Public(), e))
	case p2pke.SessionUp:
		emit(sessionLine("session", f.identity.Public(), e))
	case p2pke.IdentityDiffers:
		emit(channelLine("identity-differs", e.Channel))
	case p2pke.Closed:
		l := channelLine("closed", e.Channel)
		l.Reason = string(e.Reason)
		emit(l)
	}
}

func stopSignal() <-chan os.Signal {
	c := make(chan os.Signal, 2)
	signal.Notify(c, syscall.SIGINT, syscall.SIGTERM)
	return c
}

func listen(args []string) int {
	f := newFlags("listen")
	f.BoolVar(&f.echo, "echo", false, "send every datagram back")
	f.BoolVar(&f.stats, "stats", false, "print at the end what the datagrams received were counted as")
	if err := f.parse(args, false); err != nil {
		return fail(exitUsage, err)
	}
	stop := stopSignal()
	var node *p2pke.Node
	ready := make(chan struct{})
	onData := func(c *p2pke.Channel, payload []byte) {
		if f.echo {
			<-ready
			node.Send(c, payload)
		}
	}
	node, err := p2pke.Listen(f.config(), f.local, onData, f.show)
	if err != nil {
		return fail(exitTimeout, err)
	}
	close(ready)
	f.listening(node)
	<-stop
	node.Close()
	if f.stats {
		emit(statsLine(node.Stats()))
	}
	return exitOK
}

func (f *flags) listening(node *p2pke.Node) {
	own := f.identity.Public()
	emit(line{V: 1, Event: "listening", Addr: node.Addr().String(), Peer: peerText(own), P2PKE: own.ID().String()})
}

func statsLine(s p2pke.Stats) interface{} {
	drops := map[string]uint64{}
	for d, n := range s.Drops {
		if n > 0 {
			drops[p2pke.Drop(d).String()] = n
		}
	}
	return struct {
		V          int               `json:"v"`
		Event      string            `json:"event"`
		Delivered  uint64            `json:"delivered"`
		Control    uint64            `json:"control"`
		Handshakes uint64            `json:"handshakes"`
		Cached     uint64            `json:"cached"`
		Drops      map[string]uint64 `json:"drops"`
	}{1, "stats", s.Delivered, s.Control, s.Handshakes, s.Cached, drops}
}
