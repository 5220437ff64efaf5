#!/bin/sh
# Packs what ships, twice, and uses it as others do: installs the tool, and builds and runs two small programs against the packages. Nothing is left
# behind, and nothing but the packages of this repository is new to the machine: what those depend on comes from where it lies, or the machine's sources.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
root=$(CDPATH= cd -- "$here/../.." && pwd)
version=0.1.0-test
server=packetsec-packages-$$
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

export CI=true DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en MSBUILDDISABLENODEREUSE=1
cd "$root"

check() { # what, command...
    what=$1
    shift
    if "$@"; then
        echo "ok: $what"
    else
        echo "FAILED: $what"
        exit 1
    fi
}

pack() { dotnet pack build/Packages.slnf -c Release --no-build -v quiet -o "$1" -p:PackageVersion=$version; }

contains() { # package, entries...
    unzip -Z1 "$1" >"$work/entries"
    shift
    for entry in "$@"; do
        grep -qxF "$entry" "$work/entries" || { echo "$entry is missing"; return 1; }
    done
}

# An assembly names the file of its symbols, by the same map of places as the symbols name the sources.
names_no_place() { # package
    rm -rf "$work/unpacked"
    unzip -q "$1" -d "$work/unpacked"
    ! find "$work/unpacked" \( -iname 'PacketSec*' -o -name 'psec*' \) -type f -exec grep -laF "$root" {} +
}

prints() { # expected, command...
    expected=$1
    shift
    "$@" >"$work/printed" && grep -qE "$expected" "$work/printed" || { cat "$work/printed"; return 1; }
}

# One compiler for all projects, which ends with the build.
build() {
    status=0
    dotnet build build/Packages.slnf -c Release -m:2 -v quiet -p:UseSharedCompilation=true -p:SharedCompilationId=$server || status=$?
    "$(dotnet msbuild src/PacketSec.Crypto -getProperty:RoslynTargetsPath)/bincore/VBCSCompiler" -pipename:$server -shutdown || status=$?
    return $status
}

check "what ships is built" build
check "it is packed" pack "$work/packages"
check "and once more" pack "$work/again"
check "to the same bytes" diff -r "$work/packages" "$work/again"

lib=lib/net10.0
check "PacketSec.Noise has what it needs" contains "$work/packages/PacketSec.Noise.$version.nupkg" \
    README.md LICENSE $lib/PacketSec.Noise.dll $lib/PacketSec.Noise.xml $lib/PacketSec.Crypto.dll $lib/PacketSec.Crypto.xml
check "PacketSec has what it needs" contains "$work/packages/PacketSec.$version.nupkg" \
    README.md LICENSE $lib/PacketSec.dll $lib/PacketSec.xml $lib/PacketSec.Protocol.dll $lib/PacketSec.Protocol.xml $lib/PacketSec.Udp.dll
check "PacketSec.Libp2p has what it needs" contains "$work/packages/PacketSec.Libp2p.$version.nupkg" \
    README.md LICENSE $lib/PacketSec.Libp2p.dll $lib/PacketSec.Libp2p.xml
check "the symbols are there" contains "$work/packages/PacketSec.$version.snupkg" $lib/PacketSec.pdb $lib/PacketSec.Protocol.pdb $lib/PacketSec.Udp.pdb
for package in "$work"/packages/*; do
    check "$(basename "$package") does not tell where it was built" names_no_place "$package"
done

# The machine's own folder of packages is looked into, and not written to.
fallback=$(dotnet nuget locals global-packages --list --force-english-output | sed 's/^global-packages: //')
export NUGET_FALLBACK_PACKAGES="$fallback" NUGET_PACKAGES="$work/installed"
cat >"$work/NuGet.config" <<XML
<configuration>
  <packageSources>
    <add key="packed" value="$work/packages" />
  </packageSources>
</configuration>
XML

cd "$work"
check "the tool is installed" dotnet tool install PacketSec.Cli --version $version --tool-path "$work/tool" --configfile "$work/NuGet.config"
check "and tells its version" prints '^psec 0\.1\.0' "$work/tool/psec" version

program() { # name, package; the program on standard input
    mkdir "$work/$1"
    cat >"$work/$1/Program.cs"
    cat >"$work/$1/$1.csproj" <<XML
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net10.0</TargetFramework>
    <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
    <NuGetAudit>false</NuGetAudit>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="$2" Version="$version" />
  </ItemGroup>
</Project>
XML
}

program identity PacketSec <<'CS'
using var identity = PacketSec.PacketSecIdentity.Generate();
System.Console.WriteLine(identity.PeerId);
CS
check "two lines with PacketSec build" dotnet build "$work/identity" -v quiet
check "and run" prints '^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$' dotnet "$work/identity/bin/Debug/net10.0/identity.dll"

program address PacketSec.Libp2p <<'CS'
var address = PacketSec.Libp2p.Addresses.Multiaddress.Parse("/ip4/192.0.2.1/udp/4001");
System.Console.WriteLine(address);
CS
check "two lines with PacketSec.Libp2p build" dotnet build "$work/address" -v quiet
check "and run" prints '^/ip4/192\.0\.2\.1/udp/4001$' dotnet "$work/address/bin/Debug/net10.0/address.dll"
