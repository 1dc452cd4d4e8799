#!/usr/bin/env bash
# Installs Julia 1.5.3 beside a newer Debian, from the packages of Debian 11: no later release carries Julia. Takes 20 s. Asks the
# mirror and trusts the keys that apt is set up with, and leaves apt's own lists and sources as they are. Needs root.
# Elsewhere: https://julialang.org/install.
set -euo pipefail

fail() {
  echo "install-julia: $1" >&2
  exit 1
}

# A caught exception in compiled code: where Julia meets a libunwind that it was not built with, this ends with a segmentation fault.
works() {
  (julia --startup-file=no -e 'f() = try error() catch; 0 end; exit(f())' || exit 1) >/dev/null 2>&1
}

if works; then
  julia --version
  exit 0
fi
[ "$(id -u)" = 0 ] || fail "not root; expected root, which apt-get needs"
command -v apt-get >/dev/null || fail "no apt-get; expected Debian"
codename=$(. /etc/os-release && [ "${ID:-}" = debian ] && echo "${VERSION_CODENAME:-}") || fail "not Debian"
keys=/usr/share/keyrings/debian-archive-keyring.gpg
[ -r "$keys" ] || fail "no $keys; expected Debian's own keys"
mirror=$(apt-get indextargets --format '$(LABEL) $(REPO_URI)' | sed -n 's/^Debian //p' | head -n 1)
[ -n "$mirror" ] || fail "apt knows no Debian mirror; run apt-get update first"

# Lists and sources of its own: Debian 11 only for what this Debian lacks.
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
chmod 755 "$place"
mkdir -p "$place/lists/partial" "$place/cache/archives/partial" "$place/sources" "$place/debs"
cat >"$place/sources/debian.sources" <<END
Types: deb
URIs: $mirror
Suites: $codename bullseye
Components: main
Signed-By: $keys
END
printf 'Package: *\nPin: release n=bullseye\nPin-Priority: 50\n' >"$place/preferences"
apt=(apt-get -qq
  -o "Dir::Etc::SourceList=/dev/null" -o "Dir::Etc::SourceParts=$place/sources"
  -o "Dir::Etc::Preferences=$place/preferences" -o "Dir::Etc::PreferencesParts=/dev/null"
  -o "Dir::State::Lists=$place/lists" -o "Dir::Cache=$place/cache")
"${apt[@]}" update
DEBIAN_FRONTEND=noninteractive "${apt[@]}" install -y --no-install-recommends julia >/dev/null

if ! works; then
  # Its own copy of the libunwind that it was built with, in the folder where it looks first.
  libraries=$(dirname "$(find /usr/lib -path '*/julia/libopenlibm.so*' -print -quit)")
  (cd "$place/debs" && "${apt[@]}" download libunwind8/bullseye 2>/dev/null && dpkg-deb -x libunwind8_*.deb .)
  find "$place/debs" -name 'libunwind*.so.8*' -exec cp -a {} "$libraries/" \;
  works || fail "julia crashes"
fi
julia --version
