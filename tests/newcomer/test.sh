#!/usr/bin/env bash
# A newcomer's path, by the README's own lines: the block behind "<!-- newcomer -->" is run command by command as it stands there, with these
# substitutions only: the tool goes into a folder of its own, or is the one that was built where it has not been packed, and ADDRESS is a line that psec listen printed. Whoever pings stands on
# another machine, as far as the network goes, where the system makes network namespaces, and on this one otherwise.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
root=$PWD
work=$(mktemp -d)
far=psec-newcomer-$$
listener=""
built=(dotnet "$root/src/PacketSec.Cli/bin/Debug/net10.0/psec.dll")

cleanup() {
    [ -z "$listener" ] || kill "$listener" 2>/dev/null
    ip netns del "$far" 2>/dev/null
    ip link del "psec$$" 2>/dev/null
    rm -rf "$work"
}
trap cleanup EXIT

fail() { echo "FAILED: $1"; exit 1; }

# Lines of the README's block, without what is explained beside them.
mapfile -t commands < <(sed -n '/^<!-- newcomer -->$/,/^```$/p' README.md | sed -e '/^<!--/d' -e '/^```/d' -e 's/ *#.*//')
[ ${#commands[@]} = 5 ] || fail "the README has ${#commands[@]} commands for a newcomer, and not five"

# Another machine, as far as a network goes: a namespace at the other end of a link.
there=()
address='/ip4/127\.'
if ip netns add "$far" 2>/dev/null && ip link add "psec$$" type veth peer name there netns "$far" 2>/dev/null; then
    ip addr add 198.51.100.1/30 dev "psec$$" && ip link set "psec$$" up &&
        ip -n "$far" addr add 198.51.100.2/30 dev there && ip -n "$far" link set there up || fail "the link between the namespaces"
    there=(ip netns exec "$far")
    address='/ip4/198\.51\.100\.1/'
    echo "the second machine is a network namespace"
else
    echo "NO NETWORK NAMESPACES HERE: the second machine is this one, over loopback"
fi

# The first command installs. Where its package is not there, what was built serves.
if [ -d packages ] && (cd "$root" && DOTNET_CLI_HOME=$work eval "${commands[0]/--global/--tool-path $work/tool}") >"$work/install" 2>&1; then
    tool=("$work/tool/psec")
    echo "ok: ${commands[0]}"
else
    tool=("${built[@]}")
    echo "NOT PACKED: the psec that was built takes the place of: ${commands[0]}"
fi

psec() { "${tool[@]}" "$@"; }
cd "$work" || exit 1

eval "${commands[1]}" >/dev/null || fail "${commands[1]}"
echo "ok: ${commands[1]}"

# In the background, as in a terminal of its own.
eval "exec \"\${tool[@]}\" ${commands[2]#psec }" >listening 2>&1 &
listener=$!
for _ in $(seq 100); do
    found=$(grep -o "${address}[^ ]*" listening | head -n 1)
    [ -z "$found" ] || break
    sleep 0.1
done
[ -n "$found" ] || { cat listening; fail "${commands[2]} prints no address that the second machine reaches"; }
echo "ok: ${commands[2]}"

eval "${commands[3]}" >/dev/null || fail "${commands[3]}"
echo "ok: ${commands[3]}"

line=${commands[4]/ADDRESS/$found}
timeout 20 "${there[@]}" "${tool[@]}" ${line#psec } || { cat listening; fail "$line"; }
echo "ok: ${commands[4]}"
