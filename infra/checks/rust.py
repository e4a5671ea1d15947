"""Which queues a function sends to, and whose credentials it uses.

The program tells which of the use cases' functions are part of it: the compiler makes only those that something calls. What is in their
source then counts: `What::Users` is a send to the user queue.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

WORK = Path("shared/aws/src/work")

_NOISE = re.compile(r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])'", re.DOTALL)
_FUNCTION = re.compile(r"\bfn\s+(\w+)")
_IMPL = re.compile(r"\bimpl\b[^{;]*?(\w+)\s*(?:<[^{]*>)?\s*(?:where[^{]*)?\{")


@dataclass(frozen=True)
class Function:
    """One function of the use cases."""

    module: str
    owner: str | None
    name: str
    body: str = field(repr=False, compare=False)

    def is_in(self, symbols: set[str]) -> bool:
        """Whether a program with these symbols holds it."""
        path = "".join(f"{len(segment)}{segment}" for segment in ("work", *self.module.split("::")))
        name = f"{len(self.name)}{self.name}"
        if self.owner is None:
            return any(symbol.startswith(path + name) for symbol in symbols)
        # A method's symbol holds the type with its parameters between module and name, and a trait's writes the path with dots.
        dotted = "..".join(("work", *self.module.split("::"), self.owner))
        return any(
            name in symbol and (symbol.startswith(path) and self.owner in symbol or dotted in symbol) for symbol in symbols
        )


class Source:
    """The functions of the use cases."""

    def __init__(self, repository: Path) -> None:
        root = repository / WORK
        self.functions: list[Function] = []
        for path in sorted(root.rglob("*.rs")):
            module = "::".join(path.relative_to(root).with_suffix("").parts).removesuffix("::mod")
            if module.split("::")[0] not in ("tests", "mod"):
                self.functions.extend(functions(module, production(path.read_text())))

    def linked(self, program: Path) -> list[Function]:
        """Those that are part of a program."""
        symbols = _symbols(program)
        return [function for function in self.functions if function.is_in(symbols)]


@functools.cache
def _symbols(program: Path) -> set[str]:
    """What the program's symbols say of the use cases, each from `work` on."""
    found = re.findall(rb"redoubt_aws(?:\.\.|4)(work[A-Za-z0-9_$.]+)", program.read_bytes())
    symbols = {symbol.decode() for symbol in found}
    symbols = {symbol if symbol.startswith("work..") else f"4{symbol}" for symbol in symbols}
    if not symbols:
        raise LookupError(f"`{program}` has no symbols of the use cases: it must be a build for development")
    return symbols


def production(text: str) -> str:
    """A source without comments, texts and tests."""
    text = _NOISE.sub(lambda noise: "''" if noise[0][0] in "\"'" else " ", text)
    while (start := re.search(r"#\[cfg\(test\)\]\s*(?:pub\S*\s+)?mod\s+\w+\s*\{", text)) is not None:
        text = text[: start.start()] + text[_end(text, start.end() - 1) :]
    return text


def functions(module: str, text: str) -> Iterator[Function]:
    """The functions in the source of a module."""
    owners = [(match.end() - 1, _end(text, match.end() - 1), match[1]) for match in _IMPL.finditer(text)]
    for match in _FUNCTION.finditer(text):
        opening = re.compile(r"[{;]").search(text, _arguments_end(text, match.end()))
        if opening is None or opening[0] == ";":
            continue
        owner = next((name for begin, end, name in owners if begin < match.start() < end), None)
        yield Function(module, owner, match[1], text[opening.start() : _end(text, opening.start())])


def _arguments_end(text: str, start: int) -> int:
    """Behind the arguments, whose types may hold semicolons: `[u8; 32]`."""
    return _matching(text, text.index("(", start), "(", ")")


def _end(text: str, opening: int) -> int:
    """Behind the brace that closes the one at `opening`."""
    return _matching(text, opening, "{", "}")


def _matching(text: str, start: int, opening: str, closing: str) -> int:
    depth = 0
    for index in range(start, len(text)):
        depth += (text[index] == opening) - (text[index] == closing)
        if depth == 0:
            return index + 1
    raise ValueError(f"`{opening}` without its end")


def sends(source: Source, linked: list[Function]) -> set[str]:
    """The queues, as `Queue` names them, that these functions may send to; dead letters, which every batch may make, are left out."""
    (queue,) = [each for each in source.functions if (each.module, each.owner, each.name) == ("fan_out", "What", "queue")]
    of_what = dict(re.findall(r"(?:Self|What)::(\w+)\s*=>\s*Queue::(\w+)", queue.body))
    found: set[str] = set()
    for function in linked:
        if function.owner != "What":
            found.update(re.findall(r"\bQueue::([A-Z][a-z]\w+)", function.body))
            for what in re.findall(r"\bWhat::([A-Z]\w+)", function.body):
                found.update(of_what.values() if what == "ALL" else [of_what[what]])
    return found - {"DeadLetter"}


def uses_setup_account(linked: list[Function]) -> bool:
    """Whether any of them connects as the account that sets warehouses up."""
    return any(re.search(r"\bConnection::Setup\b|\bsetup\.secret\b", function.body) for function in linked)


def is_worker(repository: Path, function: str) -> bool:
    """Whether a function hands messages of its queue to a use case."""
    main = (repository / "functions" / function / "src" / "main.rs").read_text()
    return re.search(r"work::\w+\(app, messages\)", main) is not None
