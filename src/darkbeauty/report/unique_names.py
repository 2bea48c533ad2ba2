"""JSON and YAML in which no name stands twice in one object."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from darkbeauty.errors import InputError, Problem, raise_if_any
from darkbeauty.files import read_bytes


class _Loader(yaml.SafeLoader):
    """Of YAML, that notes names which are given again."""

    again: list[str]

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """The mapping, its last values counting."""
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        self.again += _twice(names)
        return super().construct_mapping(node, deep)


def load(path: Path) -> Any:
    """What is in a file of JSON or YAML, in any encoding of Unicode, with or without a byte-order mark.

    Errors   InputError where it cannot be read, and naming everything that is given twice
    """
    content = read_bytes(path)
    kind, again = "YAML", []
    try:
        text = content.decode(json.detect_encoding(content))
        kind = "JSON" if text.lstrip().startswith(("{", "[")) else kind
        value = _json(text, again) if kind == "JSON" else _yaml(text, again)
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise InputError([Problem(str(path), f"malformed {kind}: {error}")]) from error
    raise_if_any([Problem(str(path), f"{name!r} is given more than once") for name in dict.fromkeys(again)])
    return value


def _json(text: str, again: list[str]) -> Any:
    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        again.extend(_twice([name for name, _ in pairs]))
        return dict(pairs)

    return json.loads(text, object_pairs_hook=mapping)


def _yaml(text: str, again: list[str]) -> Any:
    loader = _Loader(text)
    loader.again = again
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def _twice(names: list[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]
