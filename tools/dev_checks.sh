# Sourced by ./dev: the tests and the checks.
# shellcheck shell=bash

export ASAN_OPTIONS=detect_stack_use_after_return=1
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1

# run_tests [FILTER]
run_tests() {
  need_packages build.txt test.txt
  if (($#)); then
    build_preset dev
    ctest_preset dev -R "$1"
    return
  fi
  failed=()
  took=()
  step "layers and budgets" check_layers
  step "layout and style" check_style
  step "g++: build and test" test_preset dev
  step "clang, AddressSanitizer, UndefinedBehaviorSanitizer" test_preset asan -L 'unit|cli'
  step "ThreadSanitizer" test_tsan
  step "shared library" test_shared
  step "clang-tidy" check_tidy
  step "Python" test_python
  summary
}

# step NAME COMMAND…: runs it in a subshell, remembers how it went, and goes on.
step() {
  local name=$1 start=$SECONDS status
  say "$name"
  set +e
  (
    set -e
    "${@:2}"
  )
  status=$?
  set -e
  took+=("$(printf '%5d s  %-6s  %s' $((SECONDS - start)) "$( ((status)) && echo FAILED || echo ok)" "$name")")
  ((status == 0)) || failed+=("$name")
}

summary() {
  say "Summary"
  printf '%s\n' "${took[@]}"
  ((${#failed[@]} == 0)) || die "failed: $(printf '%s; ' "${failed[@]}")"
}

test_preset() {
  build_preset "$1"
  ctest_preset "$@"
}

# ctest_preset PRESET [ctest options]
ctest_preset() {
  local preset=$1
  shift
  ctest --test-dir "build/$preset" --output-on-failure --no-tests=error -j "$(nproc)" "$@"
}

# Only what uses threads; of the grid, what uses several at once.
test_tsan() {
  build_preset tsan knear_threads_tests
  ctest_preset tsan -L threads -E 'Grid\.[^SM]|Grid\.Spec'
}

test_shared() {
  build_preset shared
  cmake -D build="$PWD/build/shared" -D work="$PWD/build/shared/consumer" -P tests/consumer/run.cmake
}

test_python() {
  need_python_package
  need_venv test.txt
  .venv/bin/python -m pytest -q python/tests
}

check_layers() {
  python3 tools/check_layers
  python3 tools/size_report
}

check_style() {
  local ragged
  need_venv test.txt
  ragged=$(cpp_files | xargs -0 clang-format --dry-run 2>&1 | sed -n 's/:.*clang-formatted.*//p' | sort -u)
  [[ -z $ragged ]] || die $'not laid out as .clang-format says; ./dev format does it:\n'"$ragged"
  shellcheck -x dev .ci/run tools/dev_setup.sh tools/dev_checks.sh tools/prove_clean
  .venv/bin/ruff check -q .
}

check_tidy() {
  cmake --preset clang >"$(log_of clang)"
  tools/run_clang_tidy build/clang
}

lint() {
  check_layers
  check_style
  check_tidy
}

cpp_files() {
  find include src tests python cli bench examples \( -name '*.h' -o -name '*.cpp' -o -name '*.inl' \) -print0
}
