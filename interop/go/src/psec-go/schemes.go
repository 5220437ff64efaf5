package main

import (
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"

	"p2pke"
)

const networkKeySize = 32

// defineSchemes defines what says which schemes are spoken.
func (f *flags) defineSchemes() {
	f.StringVar(&f.schemes, "scheme", p2pke.SchemeP2PKE, "schemes, in order of preference, with commas between them; --direct is the first one")
	f.BoolVar(&f.hidden, "hidden", false, "keep the own identity out of proposals; the default where all schemes hide it")
	f.BoolVar(&f.mixed, "allow-mixture", false, "allow schemes that hide the identity beside others that show it")
	f.StringVar(&f.network, "network-key", "", "file with the network's key, 64 hexadecimal digits, for secret-handshake-1")
}

func (f *flags) isSet(name string) (set bool) {
	f.Visit(func(x *flag.Flag) { set = set || x.Name == name })
	return set
}

// parseSchemes reads what defineSchemes defined into the configuration.
func (f *flags) parseSchemes(to *p2pke.Config) error {
	hiding := 0
	for _, s := range strings.Split(f.schemes, ",") {
		if !p2pke.Known(s) {
			return fmt.Errorf("%q is no scheme that is spoken here", s)
		}
		if p2pke.Hides(s) {
			hiding++
		}
		to.Schemes = append(to.Schemes, s)
	}
	if f.isSet("scheme") && f.direct {
		to.DirectScheme = to.Schemes[0]
	}
	to.Hidden = f.hidden || hiding == len(to.Schemes) && !f.isSet("hidden")
	switch {
	case to.Hidden && hiding < len(to.Schemes):
		return errors.New("--hidden needs schemes that hide identities, and no others")
	case hiding > 0 && hiding < len(to.Schemes) && !f.mixed:
		return errors.New("schemes that hide the identity and others need --allow-mixture")
	case f.network == "":
		return nil
	case hiding == 0:
		return errors.New("--network-key is for secret-handshake-1")
	}
	text, err := os.ReadFile(f.network)
	if err != nil {
		return err
	}
	to.NetworkKey, err = hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(to.NetworkKey) != networkKeySize {
		return fmt.Errorf("%s does not hold 64 hexadecimal digits", f.network)
	}
	return nil
}
