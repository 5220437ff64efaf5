#!/usr/bin/env bash
# Dissects the committed capture with tshark and compares the fields with the committed text. With --update it writes the text instead.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

command -v tshark >/dev/null || { echo "tshark is not installed: apt-get install tshark" >&2; exit 2; }

fields=(
    frame.number psec.type psec.kind psec.drop psec.peer_id psec.peer_id_is_hash psec.scheme psec.string psec.cookie psec.first_packet
    p2pke.ephemeral p2pke.suite p2pke.timestamp p2pke.key p2pke.peer_id p2pke.signature p2pke.tag p2pke.sealed_size
    mychips.letter mychips.ephemeral mychips.name_ephemeral mychips.site_id_size mychips.claim_size mychips.strings_size mychips.certificate_size
    session.direction session.counter session.payload_size session.closing _ws.expert.message
)

dissect() {
    local field options=()
    for field in "${fields[@]}"; do
        options+=(-e "$field")
    done

    # A configuration folder of its own: neither preferences nor a dissector that is installed change the result.
    TZ=UTC WIRESHARK_CONFIG_DIR=$work tshark -n -r sample.pcapng -X lua_script:packetsec.lua "$@" \
        -T fields -E header=y -E 'separator=|' -E occurrence=a "${options[@]}" 2>"$work/errors"
    if grep -i lua "$work/errors" >&2; then
        return 1
    fi
}

work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
actual=$(
    echo "# by what the datagrams look like"
    dissect
    echo "# by port"
    dissect -o psec.ports:4001-4005
)

if [ "${1:-}" = --update ]; then
    echo "$actual" >expected.txt
elif diff expected.txt <(echo "$actual"); then
    echo "the dissection of sample.pcapng is as expected"
else
    echo "the dissection of sample.pcapng differs from expected.txt" >&2
    exit 1
fi
