#!/bin/sh
# Builds psec-go. Usage: build.sh [output]; the default is bin/psec-go beside this file.
set -e
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
out=${1:-$here/bin/psec-go}
mkdir -p "$(dirname -- "$out")"
GO111MODULE=off GOFLAGS=-buildvcs=false GOPATH="${PSEC_GOCODE:-/usr/share/gocode}:$here" exec go build -o "$out" psec-go
