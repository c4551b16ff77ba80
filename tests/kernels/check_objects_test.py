"""tools/check_objects lets clean objects pass and finds each planted violation.

usage: check_objects_test.py CHECK_OBJECTS COMPILER
"""
import pathlib
import subprocess
import sys
import tempfile

TABLE = """
namespace knear::kernels {
struct Table { int (*function)(int); };
namespace { int twice(int x) { return 2 * x; } }
extern const Table planted_table;
constinit const Table planted_table = {twice};
}
"""

CASES = {
    "clean": (TABLE, None),
    "inline function": (
        TABLE + "inline __attribute__((noinline)) int leak(int x) { return x + 1; }"
        "namespace { __attribute__((used)) int user(int x) { return leak(x); } }",
        "weak symbol leak(int)",
    ),
    "template of the library": (
        TABLE + "#include <algorithm>\n#include <vector>\n"
        "namespace { __attribute__((used)) void sort(std::vector<float>& v) { std::sort(v.begin(), v.end()); } }",
        "weak symbol",
    ),
    "static initialiser": (TABLE + "int now(); namespace { __attribute__((used)) int value = now(); }", ".init_array"),
    "exported function": (TABLE + "int leak(int x) { return x + 1; }", "global symbol leak(int)"),
    "no table": ("namespace { __attribute__((used)) int twice(int x) { return 2 * x; } }", "0 tables"),
}


def main(check_objects: str, compiler: str) -> int:
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, (text, complaint) in CASES.items():
            source = pathlib.Path(folder) / "planted.cpp"
            target = pathlib.Path(folder) / "planted.o"
            source.write_text(text)
            subprocess.run([compiler, "-std=c++20", "-O1", "-c", source, "-o", target], check=True)
            run = subprocess.run([sys.executable, check_objects, target], capture_output=True, text=True)
            right = run.returncode == 0 if complaint is None else run.returncode == 1 and complaint in run.stdout
            print(f"{'ok' if right else 'FAILED'}: {name}")
            if not right:
                print(run.stdout, run.stderr)
                failures += 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
