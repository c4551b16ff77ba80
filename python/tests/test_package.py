"""The package itself: importing, types, documentation."""

import doctest
import inspect
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import knear
import knear._progress

HERE = Path(__file__).parent
SOURCE = HERE.parent / "knear"


def run(program, **environment):
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


def test_importing_does_not_import_numpy():
    heavy = "{'numpy', 'torch', 'typing_extensions', 'IPython'}"
    done = run(f"import sys, knear; print(sorted({heavy} & set(sys.modules)))")
    assert done.stdout == "[]\n", done.stderr


def test_everything_basic_works_without_numpy():
    done = run(
        """
        import sys
        sys.modules["numpy"] = None  # makes `import numpy` fail
        import array, knear
        index = knear.IndexFlatL2(2)
        index.add([[0, 0], [3, 4]])
        flat = memoryview(array.array("f", [3, 4])).cast("B").cast("f", (1, 2))
        D, I = index.search(flat, 2)
        print(D.tolist(), I.tolist(), index.get(1).tolist(), list(index.ids()))
        """
    )
    assert done.stdout == "[[0.0, 25.0]] [[1, 0]] [3.0, 4.0] [0, 1]\n", done.stderr


def test_an_instruction_set_that_is_not_there_is_warned_of():
    done = run("import knear; print(knear.cpu_level())", KNEAR_ISA="sse9")
    assert "RuntimeWarning: KNEAR_ISA=sse9 is not available here" in done.stderr
    done = run("import knear; print(knear.cpu_level())", KNEAR_ISA="scalar")
    assert done.stdout == "portable\n" and done.stderr == ""


def test_every_public_name_is_documented():
    for name in knear.__all__:
        thing = getattr(knear, name)
        if not isinstance(thing, (int, str)):
            assert thing.__doc__, name
    for name in dir(knear.Index):
        if not name.startswith("_"):
            assert getattr(knear.Index, name).__doc__, name


def documented_things():
    yield "knear", knear
    for name in knear.__all__:
        yield name, getattr(knear, name)
    for owner in (knear.Index, knear.Evaluation, knear.HNSW, knear.NSG):
        for name in dir(owner):
            if not name.startswith("_"):
                yield f"{owner.__name__}.{name}", getattr(owner, name)
    for name, thing in inspect.getmembers(knear._progress, inspect.isfunction):
        yield name, thing


@pytest.mark.parametrize(("name", "thing"), [(n, t) for n, t in documented_things() if ">>>" in (t.__doc__ or "")])
def test_examples_in_docstrings_do_what_they_show(name, thing):
    names = {**vars(sys.modules.get(getattr(thing, "__module__", None) or "knear", knear)), "knear": knear}
    example = doctest.DocTestParser().get_doctest(inspect.cleandoc(thing.__doc__), names, name, None, None)
    said = []
    doctest.DocTestRunner(verbose=False).run(example, out=said.append)
    assert not said, "".join(said)


def test_the_stub_is_the_one_that_the_module_makes():
    made = Path(knear.__file__).parent / "_knear.pyi"
    if not made.exists():
        pytest.skip("this build made no stub")
    assert made.read_text() == (SOURCE / "_knear.pyi").read_text(), "copy the stub of the build to python/knear"


PROGRAM = """
    import numpy as np
    import knear
    from typing_extensions import assert_type
    from numpy.typing import NDArray

    x: NDArray[np.float32] = np.zeros((10, 4), dtype=np.float32)
    index = knear.IndexFlatL2(4)
    count: int = index.add(x, ids=range(10), on_duplicate="replace", progress=True)
    D, I = index.search(x, 3, filter=[1, 2], num_threads=2, timeout=1.5)
    assert_type(D, NDArray[np.float32])
    assert_type(I, NDArray[np.int64])
    D, I, stats = index.search(x, 3, return_stats=True)
    assert_type(stats, knear.SearchStats)
    lims, D, I = index.range_search([[0, 1, 2, 3]], 2.0, filter=lambda id: id > 3)
    def show(progress: knear.Progress) -> None:
        print(progress.done, progress.eta)
    knear.knn(x, x, 2, "cosine", progress=show)
    loaded: knear.Index = knear.load("file", mmap=True)
    loaded.metadata["key"] = b"value"
    size: int = len(loaded) + loaded.stats.memory_bytes + knear.METRIC_L2
    found: bool = 3 in loaded
    report: list[str] = knear.verify_file("file").problems
    params = knear.SearchParameters(sel=knear.IDSelectorNot(knear.IDSelectorBatch([1, 2])))
    loaded.search(x, 1, params=params)
    refined = knear.IndexRefineFlat(knear.IndexPreTransform([knear.PCAMatrix(4, 2)], knear.IndexPQ(2, 1, 4)))
    refined.k_factor = 8
    refined.search(x, 3, k_factor=2.5)
    refined.search(x, 3, params=knear.IndexRefineSearchParameters(k_factor=8, base_index_params=params))
    graph = knear.IndexHNSWFlat(4, 16)
    graph.hnsw.efSearch = 64
    graph.search(x, 3, params=knear.SearchParametersHNSW(efSearch=32, sel=knear.IDSelectorAll()))
    graph.search(x, 3, ef_search=100)
    degree: float = graph.graph_stats.mean_degree
    measured: float = knear.evaluate(index, x, I, k=1).recall
"""

MISTAKES = """
    import knear
    index = knear.IndexFlatL2("4")
    index.search([[1.0]], k="3")
    index.nprobs = 8
    index.add([[1.0]], ids="abc", on_duplicat="error")
"""


def check_types(tmp_path, program):
    pytest.importorskip("mypy")
    (tmp_path / "program.py").write_text(textwrap.dedent(program))
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", f"--cache-dir={tmp_path}", "program.py"]
    package = Path(knear.__file__).absolute().parent.parent
    environment = dict(os.environ)
    if package.name not in {"site-packages", "dist-packages"}:
        environment["MYPYPATH"] = str(package)
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment).stdout


def test_a_typed_program_passes_a_strict_type_checker(tmp_path):
    assert check_types(tmp_path, PROGRAM) == ""


def test_a_type_checker_finds_mistakes(tmp_path):
    lines = {int(line.split(":")[1]) for line in check_types(tmp_path, MISTAKES).splitlines() if ": error:" in line}
    assert lines == {3, 4, 5, 6}
