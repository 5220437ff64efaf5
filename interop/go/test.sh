#!/bin/sh
# Runs the tests, the vectors first. Arguments go to "go test", e.g. -v, or -run NONE -bench . -benchmem
set -e
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
cd "$here/src"
export GO111MODULE=off GOFLAGS=-buildvcs=false GOPATH="${PSEC_GOCODE:-/usr/share/gocode}:$here"
[ $# -gt 0 ] || go test -run Vectors psec p2pke
exec go test "$@" psec p2pke psec-go
