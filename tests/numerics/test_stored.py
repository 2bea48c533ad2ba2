"""Arrays kept on disk: found again, never mistaken, and no error where the disk fails."""

from __future__ import annotations

from pathlib import Path

import jax
import numpy as np
import pytest

from darkbeauty.numerics import stored as module
from darkbeauty.numerics.stored import stored


@pytest.fixture
def folder(tmp_path):
    before = jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    yield tmp_path
    jax.config.update("jax_compilation_cache_dir", before)


class Counted:
    """A computation that counts how often it was done."""

    def __init__(self):
        self.count = 0

    def __call__(self) -> np.ndarray:
        self.count += 1
        return np.array([1.0, np.pi + 1j])


KEY = {"sm": np.arange(3.0), "rows": (1, 2), "mode": "B0->K*"}
OTHERS = (
    {**KEY, "sm": np.array([0.0, 1.0, 2.0 + 1e-15])},
    {**KEY, "rows": (1, 3)},
    {**KEY, "mode": "B0->K"},
    {**KEY, "sm": np.arange(3)},
    {**KEY, "rows": (1, 2, ())},
)


def test_computed_once(folder):
    compute = Counted()
    values = [stored("test", KEY, compute) for _ in range(3)]
    assert compute.count == 1
    for value in values:
        np.testing.assert_array_equal(value, [1.0, np.pi + 1j])
    assert [path.name.startswith("test-") for path in folder.iterdir()] == [True]


@pytest.mark.parametrize("other", OTHERS)
def test_another_key_is_another_array(folder, other):
    compute = Counted()
    stored("test", KEY, compute)
    stored("test", other, compute)
    assert compute.count == 2


def test_another_code_is_another_array(folder, monkeypatch):
    compute = Counted()
    stored("test", KEY, compute)
    monkeypatch.setattr(module, "content_hash", lambda rooms: "changed")
    stored("test", KEY, compute)
    assert compute.count == 2


def test_broken_file_is_computed_again(folder):
    compute = Counted()
    stored("test", KEY, compute)
    for content in (b"", b"broken", next(folder.iterdir()).read_bytes()[:-3]):
        next(folder.iterdir()).write_bytes(content)
        np.testing.assert_array_equal(stored("test", KEY, compute), [1.0, np.pi + 1j])
    assert compute.count == 4


def changed(file):
    np.save(file, 1.05 * np.load(file))


def odd_header(file):
    file.write_bytes(file.read_bytes().replace(b"'shape': (2,)", b"'shape': (9,)"))


def pickled(file):
    np.save(file, np.array([print], object), allow_pickle=True)


def of_another_key(file):
    stored("test", {**KEY, "mode": "other"}, lambda: np.zeros(2))
    other = next(path for path in file.parent.iterdir() if path != file)
    other.replace(file)


def empty_array(file):
    np.save(file, np.zeros(0))


@pytest.mark.parametrize("damage", [changed, odd_header, pickled, of_another_key, empty_array])
def test_a_file_that_is_not_what_was_stored_is_computed_again(damage, folder):
    compute = Counted()
    stored("test", KEY, compute)
    damage(next(folder.iterdir()))
    for _ in range(2):
        np.testing.assert_array_equal(stored("test", KEY, compute), [1.0, np.pi + 1j])
    assert compute.count == 2


def test_a_folder_in_place_of_a_file(folder):
    compute = Counted()
    stored("test", KEY, compute)
    path = next(folder.iterdir())
    path.unlink()
    path.mkdir()
    np.testing.assert_array_equal(stored("test", KEY, compute), [1.0, np.pi + 1j])
    assert compute.count == 2


def test_nothing_is_taken_from_a_folder_that_everyone_can_write(folder):
    compute = Counted()
    stored("test", KEY, compute)
    folder.chmod(0o777)
    module._trusted.cache_clear()
    with pytest.warns(UserWarning, match="everyone can write into .*: nothing is read from this cache"):
        stored("test", KEY, compute)
    stored("test", KEY, compute)  # warned once
    assert compute.count == 3
    module._trusted.cache_clear()


def test_no_folder(folder):
    compute = Counted()
    jax.config.update("jax_compilation_cache_dir", str(Path(folder) / "is" / "not" / "there"))
    stored("test", KEY, compute)
    jax.config.update("jax_compilation_cache_dir", None)
    stored("test", KEY, compute)
    assert compute.count == 2 and list(folder.iterdir()) == []
