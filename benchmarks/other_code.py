"""Another code in a process of its own, perhaps of another interpreter: a line of JSON in, a line of JSON out. Needs nothing but Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any


class OtherCode:
    """The process: `script --serve` under `python`, on one core; what it answers to `first` is kept as `greeting`."""

    def __init__(self, python: str, script: str, first: Any):
        command = [python, "-W", "ignore", script, "--serve"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, **pipes)
        self.greeting = self.ask(first)

    def ask(self, message: Any) -> Any:
        """The answer to a message."""
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def end(self) -> None:
        self.process.communicate()


def serve(prepare: Callable[[Any], tuple[Any, Callable[[Any], Any]]]) -> None:
    """The other side: prepare(first message) gives the greeting and a function; then [CPU seconds, function(message)] for every line."""
    answers, sys.stdout = sys.stdout, sys.stderr  # what the code itself prints must not get between
    greeting, function = prepare(json.loads(sys.stdin.readline()))
    print(json.dumps(greeting), file=answers, flush=True)
    for line in sys.stdin:
        start = time.process_time()
        value = function(json.loads(line))
        print(json.dumps([time.process_time() - start, value]), file=answers, flush=True)
