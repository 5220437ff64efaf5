#!/bin/sh
# Runs the tests, after installing the locked packages where they are missing or older than the lock. Arguments go to "node --test".
set -e
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
cd "$here"
[ node_modules/.package-lock.json -nt package-lock.json ] || npm ci
[ $# -gt 0 ] || exec npm test
exec node --import ./polyfill.mjs --test --test-concurrency=4 "$@"
