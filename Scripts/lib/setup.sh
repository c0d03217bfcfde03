# Set-up that the scripts share; sourced, not run. It brings what the package needs to a bare machine:
# Swift 6.2 or later (found, never installed), SQLite's headers and its shell (installed when allowed).
#
#   PHASEDB_NO_INSTALL=1   never install anything: print the command instead and stop
#   SWIFT=/path/to/swift   use this one

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

say() { printf '%s\n' "$*" >&2; }
fail() { say "${0##*/}: $*"; exit 1; }

# Prints the comment at the head of the running script: its --help.
print_header() {
  awk 'NR == 1 { next } /^#/ { sub(/^# ?/, ""); print; next } { exit }' "$0"
}

# Makes `swift` one that is new enough, or says where to get it.
need_swift() {
  local candidate directory
  for candidate in "${SWIFT:-}" "$(command -v swift || true)" \
    /opt/swift/usr/bin/swift /usr/local/swift/usr/bin/swift /usr/local/bin/swift /usr/bin/swift \
    "$HOME/.swiftly/bin/swift" "$HOME/.local/share/swiftly/bin/swift" "$HOME/swift/usr/bin/swift" \
    /Library/Developer/Toolchains/swift-latest.xctoolchain/usr/bin/swift; do
    if [[ -n $candidate && -x $candidate ]] && is_new_enough "$candidate"; then
      directory=$(dirname "$candidate")
      PATH=$directory:$PATH
      export PATH
      return
    fi
  done
  fail "Swift 6.2 or later is needed and was not found. Get it from https://www.swift.org/install/," \
    "then put its usr/bin on PATH or set SWIFT=/path/to/swift."
}

is_new_enough() {
  local version
  version=$("$1" --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p' | head -n 1)
  [[ -n $version ]] && ((${version% *} > 6 || (${version% *} == 6 && ${version#* } >= 2)))
}

# The sqlite3 shell: the scripts' own witness, independent of phasedb.
need_sqlite_shell() {
  command -v sqlite3 >/dev/null || install_packages "the sqlite3 shell" sqlite3 sqlite
}

# The headers and the library, for building.
need_sqlite_headers() {
  has_sqlite_headers || install_packages "SQLite's headers" libsqlite3-dev sqlite
  has_sqlite_headers || fail "SQLite's headers (sqlite3.h) were not found, also not by pkg-config sqlite3"
}

has_sqlite_headers() {
  if command -v pkg-config >/dev/null && pkg-config --exists sqlite3; then return; fi
  local directory sdk
  sdk=$(if command -v xcrun >/dev/null; then xcrun --show-sdk-path; fi)
  for directory in /usr/include /usr/local/include /opt/homebrew/include /opt/homebrew/opt/sqlite/include \
    ${sdk:+"$sdk/usr/include"}; do
    if [[ -f $directory/sqlite3.h ]]; then return; fi
  done
  return 1
}

# Installs a package that is called $2 by apt and $3 by brew, or prints how to and stops.
install_packages() {
  local what=$1 apt=$2 brew=$3 root=''
  if command -v apt-get >/dev/null; then
    if ((EUID != 0)); then root=sudo; fi
    if [[ ${PHASEDB_NO_INSTALL:-} == 1 ]] || { [[ -n $root ]] && ! sudo -n true 2>/dev/null; }; then
      fail "$what: missing. Install it with: ${root:+sudo }apt-get install $apt"
    fi
    say "installing $what: ${root:+sudo }apt-get install $apt"
    # The list of packages may be absent or old on a fresh machine.
    ${root:+sudo -n} apt-get update -qq >&2
    ${root:+sudo -n} env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$apt" >&2
  elif command -v brew >/dev/null; then
    if [[ ${PHASEDB_NO_INSTALL:-} == 1 ]]; then fail "$what: missing. Install it with: brew install $brew"; fi
    say "installing $what: brew install $brew"
    brew install --quiet "$brew" >&2
  else
    fail "$what: missing, and neither apt-get nor brew is here to install it." \
      "Install SQLite with its headers and its shell by the means of this system."
  fi
}

# Builds the product phasedb and prints the binary's path. Further arguments go to swift build.
build_phasedb() {
  (cd "$repository" && swift build --product phasedb "$@" >&2 \
    && printf '%s/phasedb\n' "$(swift build --show-bin-path "$@")")
}

# sha256sum is GNU's, shasum is everywhere Perl is.
sha256() {
  if command -v sha256sum >/dev/null; then sha256sum; else shasum -a 256; fi | cut -d ' ' -f 1
}
