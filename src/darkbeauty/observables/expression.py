"""Arithmetic of several observables, written as it is said: "BR(B0->K*nunu) / BR(B+->Knunu)".

Names of observables hold ( ) + - > < / and *, so they are taken out first: wherever an operand may begin, the longest name of the registry that stands there, with
its brackets, is one. What is left is arithmetic: numbers, + - * / **, parentheses and FUNCTIONS, nothing else.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jax import Array

from darkbeauty.errors import InputError, Problem, raise_if_any, unknown

_OPERATORS: dict[type[ast.AST], Callable] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
FUNCTIONS: dict[str, Callable] = {
    "sqrt": jnp.sqrt,
    "log": jnp.log,
    "exp": jnp.exp,
    "abs": jnp.abs,
    "real": jnp.real,
    "imag": jnp.imag,
}
_REAL = ("abs", "real", "imag")
ALLOWED = f"names of observables, numbers, + - * / **, parentheses, {', '.join(FUNCTIONS)}"
_PART = re.compile(r"__(\d+)__")
_BRACKETS = re.compile(r"\[[^\]]*\]")
_AT_X = re.compile(r"\(x=[^)]*\)")
_MOST, _LARGEST = 100, 1e300
"""Operations of an expression and the largest power; what numbers are below."""


@dataclass(frozen=True)
class Expression:
    """Observables by their labels, and the arithmetic between them: Python's, with __0__, __1__ … for the observables."""

    parts: tuple[str, ...]
    arithmetic: str

    def __str__(self) -> str:
        return self.written(self.parts)

    def written(self, parts: Sequence[str]) -> str:
        """The expression with other observables in the places of its own."""
        return _PART.sub(lambda match: parts[int(match[1])], self.arithmetic)

    def tex(self, parts: Sequence[str]) -> str:
        """The expression in TeX, with symbols in the places of its parts."""
        text = re.sub(r"\*\*\s*\(?(-?[\d.]+)\)?", r"^{\1}", self.arithmetic).replace("*", r"\cdot ")
        text = re.sub(r"[a-z]\w*(?=\()", lambda match: rf"\mathrm{{{match[0]}}}", text)
        return _PART.sub(lambda match: parts[int(match[1])], text)

    def value(self, values: Sequence[Array]) -> tuple[Array, Array]:
        """Value and whether there is one, with finite derivatives where there is none: a division by 0, a root or a logarithm of what has none."""
        return _value(_tree(self.arithmetic), values)

    def is_complex(self, parts: Sequence[bool]) -> bool:
        """Whether the value is, where some of its parts are."""
        return _is_complex(_tree(self.arithmetic), parts)


def read_expression(
    text: str, names: Collection[str], path: str, numbers: tuple[type, ...] = (int, float)
) -> Expression | None:
    """The expression that a text is; None where it is a single name, or none of an observable at all.

    Args     numbers: types of the numbers in it, complex too where `1j` may be one
    Errors   InputError where observables stand in it but it cannot be read, or does what is not allowed
    """
    parts, arithmetic = _taken_out(text, names)
    between = _PART.sub(" ", arithmetic)
    if not parts or not re.search(r"[-+*/]|\b(" + "|".join(FUNCTIONS) + r")\s*\(", between):
        return None
    if not re.search(r"^\s*[-+(\d.]|^\s*(" + "|".join(FUNCTIONS) + r")\s*\(|^\s*__\d+__\s*[-+*/]", arithmetic):
        return None  # begins with a name that there is not
    allowed = ALLOWED
    words = re.findall(r"(?<![\w.])[^\W\d]\S*", between)
    raise_if_any([unknown(path, "observable", word, names) for word in words if not word.startswith(tuple(FUNCTIONS))])
    try:
        tree = ast.parse(arithmetic.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise InputError([Problem(path, "cannot be read as arithmetic of observables", allowed)]) from None
    raise_if_any([Problem(path, message, allowed) for message in dict.fromkeys(_wrong(tree, numbers))])
    return Expression(parts, arithmetic.strip())


def _taken_out(text: str, names: Collection[str]) -> tuple[tuple[str, ...], str]:
    """Observables in their order, each once, and the text with their places in place of them."""
    begins: dict[str, list[tuple[str, str]]] = {}
    for name in sorted(names, key=len, reverse=True):
        stem, bracket, unit = name.partition("[")
        begins.setdefault(name[0], []).append((stem, bracket + unit))
    parts: dict[str, int] = {}
    out, at = "", 0
    while at < len(text):
        label = "" if out and (out[-1].isalnum() or out[-1] == "_") else _label_at(text, at, begins.get(text[at], ()))
        if label:
            out += f"__{parts.setdefault(label, len(parts))}__"
            at += len(label)
        else:
            out += text[at]
            at += 1
    return tuple(parts), out


def _label_at(text: str, at: int, candidates: Sequence[tuple[str, str]]) -> str:
    """The longest observable with its brackets that begins at a place, or ""."""
    for stem, unit in candidates:
        if not text.startswith(stem, at):
            continue
        end = at + len(stem)
        if unit and (match := _AT_X.match(text, end)):
            end = match.end()
        brackets = _BRACKETS.match(text, end)
        if unit and not (brackets and brackets[0] == unit):
            continue
        end = brackets.end() if brackets else end
        if not text[end : end + 1].isalnum() and text[end : end + 1] not in ("_", "[", ">"):
            return text[at:end]
    return ""


def _wrong(tree: ast.AST, numbers: tuple[type, ...]) -> list[str]:
    """What an expression must not do."""
    nodes = list(ast.walk(tree))
    messages = [f"more than {_MOST} operations"] if len(nodes) > 4 * _MOST else []
    for node in nodes:
        if isinstance(node, ast.Call):
            if (
                not (isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS)
                or len(node.args) != 1
                or node.keywords
            ):
                messages.append("calls what is no function of one number")
        elif isinstance(node, ast.Constant):
            value = node.value
            if isinstance(value, bool) or not _is_number(value, numbers):
                messages.append(f"{value!r} is no number")
        elif isinstance(node, ast.BinOp | ast.UnaryOp):
            if type(node.op) not in _OPERATORS:
                messages.append("uses an operator that is none of + - * / **")
            elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and _power(node.right) is None:
                messages.append(f"a power is a number between −{_MOST} and {_MOST}")
        elif isinstance(node, ast.Name):
            if not _PART.fullmatch(node.id) and node.id not in FUNCTIONS:
                messages.append(f"{node.id!r} is no observable")
        elif not isinstance(node, ast.operator | ast.unaryop | ast.expr_context):
            messages.append("is more than arithmetic")
    return messages


def _is_number(value: Any, types: tuple[type, ...]) -> bool:
    """Whether a constant is a number of one of these types, and not too large."""
    return isinstance(value, types) and abs(value) < _LARGEST


def _power(node: ast.AST) -> float | None:
    """The number that a power is."""
    sign = 1.0
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        sign, node = -1.0 if isinstance(node.op, ast.USub) else 1.0, node.operand
    value = node.value if isinstance(node, ast.Constant) else None
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > _MOST:
        return None
    return sign * value


def _tree(arithmetic: str) -> ast.AST:
    return ast.parse(arithmetic, mode="eval").body


def _value(node: ast.AST, values: Sequence[Array]) -> tuple[Array, Array]:
    fine = jnp.asarray(True)
    if isinstance(node, ast.Constant):
        kind = complex if isinstance(node.value, complex) else float
        return jnp.asarray(node.value, kind), fine  # pyright: ignore[reportArgumentType]
    if isinstance(node, ast.Name):
        value = values[int(_PART.fullmatch(node.id)[1])]  # pyright: ignore[reportOptionalSubscript]
        return value, fine
    if isinstance(node, ast.UnaryOp):
        value, fine = _value(node.operand, values)
        return _OPERATORS[type(node.op)](value), fine
    if isinstance(node, ast.Call):
        value, fine = _value(node.args[0], values)
        return _call(node.func.id, value, fine)  # pyright: ignore[reportAttributeAccessIssue]
    assert isinstance(node, ast.BinOp)
    left, fine = _value(node.left, values)
    if isinstance(node.op, ast.Pow):
        return _raised(left, _power(node.right) or 0.0, fine)
    right, fine_too = _value(node.right, values)
    fine = fine & fine_too
    if isinstance(node.op, ast.Div):
        fine = fine & (right != 0.0)
        right = jnp.where(right != 0.0, right, 1.0)
    return _OPERATORS[type(node.op)](left, right), fine


def _call(name: str, value: Array, fine: Array) -> tuple[Array, Array]:
    """A function where it has a value and a derivative."""
    if name in ("sqrt", "log") and not jnp.iscomplexobj(value):
        positive = value > 0.0
        fine, value = fine & positive, jnp.where(positive, value, 1.0)
    return FUNCTIONS[name](value), fine


def _raised(base: Array, power: float, fine: Array) -> tuple[Array, Array]:
    """base ** power: of any base where the power is a whole number, of positive ones otherwise."""
    whole = float(power).is_integer()
    inside = (base != 0.0) | (power >= 0.0) if whole or jnp.iscomplexobj(base) else base > 0.0
    base = jnp.where(inside, base, 1.0)
    return base ** (int(power) if whole else power), fine & inside


def _is_complex(node: ast.AST, parts: Sequence[bool]) -> bool:
    if isinstance(node, ast.Constant):
        return isinstance(node.value, complex)
    if isinstance(node, ast.Name):
        return parts[int(_PART.fullmatch(node.id)[1])]  # pyright: ignore[reportOptionalSubscript]
    if isinstance(node, ast.Call):
        return node.func.id not in _REAL and _is_complex(node.args[0], parts)  # pyright: ignore[reportAttributeAccessIssue]
    return any(_is_complex(child, parts) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr))
