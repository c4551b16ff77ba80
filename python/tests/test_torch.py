"""Tensors in and out: torch, and any framework by DLPack."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest

import knear
from knear._knear import _borrows

from conftest import nearest

torch = pytest.importorskip("torch", reason="torch is not installed")


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "int8", "uint8"])
def test_tensors_are_borrowed(dtype):
    x = torch.arange(60).reshape(10, 6).to(getattr(torch, dtype))
    assert _borrows(x) and _borrows(x[::2]) and _borrows(x[2:7, 1:4])
    assert not _borrows(x.t()) and not _borrows(x[:, ::2])
    for each in (x, x[::2], x.t(), x[:, ::2]):
        index = knear.IndexFlatL2(each.shape[1])
        index.add(each)
        assert index.get(range(len(each))).tolist() == each.tolist()


def test_tensors_go_in_and_come_out(rng):
    base = torch.tensor(rng.random((50, 8)), dtype=torch.float32)
    index = knear.IndexFlatL2(8)
    index.add(base, ids=torch.arange(50) + 7)
    D, I = index.search(base[:5], 3)
    assert isinstance(D, torch.Tensor) and D.dtype == torch.float32 and tuple(D.shape) == (5, 3)
    assert isinstance(I, torch.Tensor) and I.dtype == torch.int64
    assert (I - 7).tolist() == nearest(base[:5], base, 3).tolist()
    D += 1  # the caller's own memory, writable
    lims, D, I = index.range_search(base[:5], 0.1)
    assert all(isinstance(each, torch.Tensor) for each in (lims, D, I))
    assert isinstance(index.search(base[:5].numpy(), 3)[0], np.ndarray)
    D, I = knear.knn(base[:2], base, 2)
    assert isinstance(I, torch.Tensor)


def test_a_tensor_of_a_class_of_the_user_gives_tensors():
    class Feature(torch.Tensor):
        pass

    index = knear.IndexFlatL2(3)
    index.add(torch.eye(3).as_subclass(Feature))
    assert isinstance(index.search(torch.eye(3).as_subclass(Feature), 1)[1], torch.Tensor)


def test_results_go_into_the_callers_tensors(rng):
    base = torch.tensor(rng.random((50, 8)), dtype=torch.float32)
    index = knear.IndexFlatL2(8)
    index.add(base)
    D, I = torch.empty(5, 3), torch.empty(5, 3, dtype=torch.int64)
    index.search(base[:5], 3, D=D, I=I)
    assert I[:, 0].tolist() == list(range(5))


def test_recorded_gradients_are_no_obstacle():
    x = torch.eye(4, requires_grad=True)
    index = knear.IndexFlatL2(4)
    index.add(x)
    assert _borrows(x) and index.search(x * 2, 1)[1].ravel().tolist() == [0, 1, 2, 3]


def test_masks_and_ids_may_be_tensors(rng):
    x = torch.eye(6)
    index = knear.IndexFlatL2(6)
    index.add(x)
    assert set(index.search(x, 2, filter=torch.arange(6) > 3)[1].ravel().tolist()) == {4, 5}
    assert set(index.search(x, 1, filter=torch.tensor([2]))[1].ravel().tolist()) == {2}
    assert index.remove(torch.tensor([0, 1])) == 2


def test_tensors_without_numbers_are_type_errors():
    index = knear.IndexFlatL2(4)
    for bad in (torch.zeros(2, 4, dtype=torch.bool), torch.zeros(2, 4, dtype=torch.complex64)):
        with pytest.raises(TypeError):
            index.add(bad)
    with pytest.raises(ValueError, match=r"x\[None, :\]"):
        index.add(torch.zeros(4))


def test_tensors_elsewhere_are_asked_to_come():
    for device in ("meta", "cuda"):
        if device == "cuda" and not torch.cuda.is_available():
            continue
        with pytest.raises(TypeError):
            knear.IndexFlatL2(4).add(torch.zeros(2, 4, device=device))
        with pytest.raises((TypeError, ValueError)):
            knear.IndexFlatL2(4).search(torch.zeros(2, 4), 1, D=torch.zeros(2, 1, device=device))


PROGRAM = """
    {imports}
    import multiprocessing
    def search(index, x, queue):
        queue.put(index.search(x, 1)[1].ravel().tolist())
    x = torch.rand(3000, 32)
    index = knear.IndexFlatL2(32)
    index.add(x)
    (x @ x.t()).sum()  # wakes torch's threads
    before = index.search(x, 1)[1].ravel()
    assert isinstance(before, torch.Tensor)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    worker = context.Process(target=search, args=(index, x.numpy(), queue))
    worker.start()
    assert queue.get(timeout=60) == before.tolist() == list(range(3000))
    worker.join(60)
    assert worker.exitcode == 0 and torch.equal(index.search(x, 1)[1].ravel(), before)
    print("same")
"""


@pytest.mark.parametrize("imports", ["import torch, knear", "import knear, torch"])
def test_torch_first_or_second_before_and_after_a_fork(imports):
    program = textwrap.dedent(PROGRAM).format(imports=imports)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.stdout == "same\n", done.stderr
