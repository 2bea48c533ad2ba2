"""Compiled functions: one program per structure, few kept, none after their function."""

from __future__ import annotations

import gc
import weakref

import jax.numpy as jnp
import numpy as np

from darkbeauty.numerics.compiled import compiled


def counting(keep: int = 8):
    """A function that counts how often it is traced."""
    traces = []

    def twice(tree, words):
        traces.append(words)
        return {name: 2.0 * value for name, value in tree.items()}

    return compiled(twice, keep), traces


def test_numbers_are_arguments_and_structures_are_not():
    function, traces = counting()
    for value in (1.0, 2.0, 3.0):
        assert function({"a": np.array(value)}, "x")["a"] == 2.0 * value
    assert len(traces) == 1
    assert function({"a": jnp.array([1.0, 2.0])}, "x")["a"].tolist() == [2.0, 4.0]
    function({"b": np.array(1.0)}, "x")
    function({"a": np.array(1.0)}, "y")
    assert len(traces) == 4


def test_constants_of_another_type_are_others():
    function, _ = counting()
    assert isinstance(function({"a": 1}, "x")["a"].item(), float)
    assert function({"a": True}, "x")["a"] == 2.0
    assert function({"a": 1.5}, "x")["a"] == 3.0


def test_the_oldest_program_goes_first():
    function, traces = counting(keep=2)
    for words in "abca":
        function({"a": np.array(1.0)}, words)
    assert traces == ["a", "b", "c", "a"]


def test_programs_go_with_their_function():
    class Triple:
        def __call__(self, x):
            return 3.0 * x

    triple = Triple()
    function, there = compiled(triple), weakref.ref(triple)
    assert function(np.array(2.0)) == 6.0
    del function, triple
    gc.collect()
    assert there() is None
