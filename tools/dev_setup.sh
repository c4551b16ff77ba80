# Sourced by ./dev: what must be there before work starts, and how to build it. Every function does nothing,
# at once and without the network, when all is in place.
# shellcheck shell=bash

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }

die() {
  printf 'dev: %s\n' "$*" >&2
  exit 2
}

# entries KIND LIST…: the lines of tools/packages/KIND-LIST.txt without their comments.
entries() {
  local kind=$1
  shift
  sed 's/#.*//; /^\s*$/d' "${@/#/tools/packages/$kind-}" | sort -u
}

# need_packages LIST.txt…: installs the Debian packages of these lists that are missing.
need_packages() {
  command -v dpkg-query >/dev/null || return 0  # no Debian: configuring will name what it does not find
  local missing
  missing=$(comm -23 <(entries apt "$@") <(installed_packages))
  [[ -n $missing ]] || return 0
  say "Installing ${missing//$'\n'/ }"
  as_root apt-get update -q
  # shellcheck disable=SC2086  # one argument a package is meant
  as_root apt-get install -q -y --no-install-recommends $missing
}

installed_packages() {
  dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p' | sort -u
}

as_root() {
  if [[ $EUID == 0 ]]; then
    DEBIAN_FRONTEND=noninteractive "$@" </dev/null
  elif command -v sudo >/dev/null; then
    sudo DEBIAN_FRONTEND=noninteractive "$@"
  else
    die "not root and no sudo; please run as root: $*"
  fi
}

# need_venv LIST.txt…: .venv with the Python packages of these lists.
need_venv() {
  local list wanted
  [[ -x .venv/bin/python ]] || python3 -m venv .venv
  for list in "$@"; do
    wanted=tools/packages/pip-$list
    cmp -s "$wanted" ".venv/$list" && continue
    say "Installing into .venv: $(entries pip "$list" | tr '\n' ' ')"
    .venv/bin/python -m pip install -q --disable-pip-version-check -r "$wanted"
    cp "$wanted" ".venv/$list"
  done
}

# need_python_package: the package knear in .venv, built anew when a source of it changed.
need_python_package() {
  need_venv build.txt
  local state
  state=$(python_sources | xargs -0 sha256sum | sha256sum)
  [[ -f .venv/knear.state && $state == "$(cat .venv/knear.state)" ]] && return
  say "Installing the Python package into .venv"
  .venv/bin/python -m pip install -q --disable-pip-version-check --no-build-isolation --force-reinstall --no-deps \
    --config-settings=build-dir=build/python .
  echo "$state" >.venv/knear.state
}

python_sources() {
  find CMakeLists.txt pyproject.toml README.md cmake include src python -type f -not -path '*/__pycache__/*' -print0 |
    sort -z
}

# build_preset PRESET [TARGET…]
build_preset() {
  local preset=$1
  shift
  say "Building preset $preset"
  cmake --preset "$preset" >"$(log_of "$preset")" || {
    cat "$(log_of "$preset")"
    die "cannot configure preset $preset"
  }
  cmake --build --preset "$preset" ${1:+--target "$@"}
}

log_of() {
  mkdir -p "build/$1"
  echo "build/$1/configure.log"
}
