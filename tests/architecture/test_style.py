"""Small files, small functions, a docstring for each module, blind excepts only at borders."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

import pytest

from tests.architecture.sources import ROOT, Source, listed, program_sources, python_sources, walked

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 50

BORDERS = {
    "actors/ahead.py:Ahead._run": "a thread's defect: its owner falls and is started again",
    "actors/address.py:Directory.register_sink.send": "a sink's fault must not kill its senders",
    "actors/reader.py:SocketReader._run": "a reader: its connection ends and its owner falls",
    "actors/canceller.py:Canceller._run": "a cancel that fails is told, and asked for again",
    "actors/express.py:ExpressDoor.take": "an exchange's defect must not bring the sender down",
    "actors/hot.py:HotActor._lend": "a fall on the thread of a reader, who goes on reading",
    "actors/notifications.py:Notifier._tell": "a library's defect costs one notification",
    "actors/supervisor.py:Supervisor._start": "a host that cannot start is a failure to supervise",
    "actors/timers.py:Timers._run": "the timers' thread: a system without time must be reported",
    "actors/workers.py:Workers._run": "a worker's thread: its owner falls and is started again",
    "config/logs.py:_Writer.handle": "log writer's thread: one bad value must not end all logging",
    "web/exchange_host.py:ExchangeHost._run": "the local exchange's time: without it, stop and say",
    "web/broadcast.py:Broadcaster._run": "one stream's trouble must not end the others",
}
"""Where everything may be caught, and why. Each logs or reports what it caught."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def long_files(source: Source) -> list[str]:
    lines = len(source.text.splitlines())
    if lines <= MAX_FILE_LINES:
        return []
    return [f"{source.path}:1: {lines} lines, at most {MAX_FILE_LINES}; it is usually two concepts"]


def long_functions(source: Source) -> list[str]:
    return [
        f"{source.path}:{node.lineno}: {name} has {size} lines without its docstring, "
        f"at most {MAX_FUNCTION_LINES}; it is usually two ideas"
        for name, node in scopes(source.tree())
        if isinstance(node, Function) and (size := _length(node)) > MAX_FUNCTION_LINES
    ]


def missing_docstring(source: Source) -> list[str]:
    if (ast.get_docstring(source.tree()) or "").strip():
        return []
    return [f"{source.path}:1: no docstring that says what the module is"]


def blind_excepts(source: Source) -> dict[str, str]:
    """Place -> message, for every handler or `suppress` that takes any exception and keeps it."""
    found = {}
    for name, scope in [("", source.tree()), *scopes(source.tree())]:
        for node in _own_nodes(scope):
            if _catches_all(node):
                place = f"{source.path}:{name}"
                found[place] = (
                    f"{source.path}:{node.lineno}: {name or 'module'} catches everything "
                    "and is no named border"
                )
    return found


def scopes(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Every function and class with its qualified name, outermost first."""
    for node in ast.iter_child_nodes(tree):
        name = prefix
        if isinstance(node, Function | ast.ClassDef):
            name = f"{prefix}.{node.name}".lstrip(".")
            yield name, node
        yield from scopes(node, name)


def _own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """Nodes of a scope without those of the functions and classes in it."""
    for node in ast.iter_child_nodes(scope):
        if not isinstance(node, Function | ast.ClassDef):
            yield node
            yield from _own_nodes(node)


def _catches_all(node: ast.AST) -> bool:
    if isinstance(node, ast.ExceptHandler):
        passes_on = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
        return not passes_on and (node.type is None or _names_all(node.type))
    if isinstance(node, ast.Call):
        name = node.func.attr if isinstance(node.func, ast.Attribute) else None
        name = name or getattr(node.func, "id", None)
        return name == "suppress" and any(map(_names_all, node.args))
    return False


def _names_all(node: ast.expr) -> bool:
    if isinstance(node, ast.Tuple):
        return any(map(_names_all, node.elts))
    return isinstance(node, ast.Name) and node.id in {"Exception", "BaseException"}


def _length(node: Function) -> int:
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    documented = ast.get_docstring(node, clean=False) is not None
    return lines - ((first.end_lineno or 0) - first.lineno + 1 if documented else 0)


def test_files_are_small() -> None:
    told = [line for source in program_sources() for line in long_files(source)]
    assert not told, listed(told)


def test_functions_are_small() -> None:
    told = [line for source in program_sources() for line in long_functions(source)]
    assert not told, listed(told)


def test_every_module_says_what_it_is() -> None:
    told = [line for source in python_sources() for line in missing_docstring(source)]
    assert not told, listed(told)


def test_everything_is_caught_at_named_borders_only() -> None:
    found = {k: v for source in program_sources() for k, v in blind_excepts(source).items()}
    told = [message for place, message in found.items() if place not in BORDERS]
    assert not told, listed(told)


def test_every_named_border_is_there() -> None:
    found = {place for source in program_sources() for place in blind_excepts(source)}
    assert sorted(set(BORDERS) - found) == []


def test_without_git_the_same_files_are_found() -> None:
    found = {path.relative_to(ROOT).as_posix() for path in walked()}
    assert {source.path for source in python_sources()} <= found
    assert not [name for name in found if name.startswith(".venv")]


# --- the rules themselves, on small made-up sources -----------------------------------------------


def made_up(text: str) -> Source:
    return Source(path="core/made_up.py", text=text)


def test_a_long_file_is_told() -> None:
    assert long_files(made_up("x = 1\n" * 300)) == []
    (told,) = long_files(made_up("x = 1\n" * 301))
    assert told.startswith("core/made_up.py:1: 301 lines")


def test_a_long_function_is_told_and_its_docstring_is_free() -> None:
    short = 'def f():\n    """One\n    two\n    three."""\n' + "    x = 1\n" * 49
    assert long_functions(made_up(short)) == []
    (told,) = long_functions(made_up("class A:\n  def f():\n" + "    x = 1\n" * 50))
    assert told.startswith("core/made_up.py:2: A.f has 51 lines")


@pytest.mark.parametrize("text", ["", "x = 1\n", '""" """\n', "# only a comment\n"])
def test_a_module_without_docstring_is_told(text: str) -> None:
    assert missing_docstring(made_up(text))


@pytest.mark.parametrize(
    "handler",
    [
        "except:",
        "except Exception:",
        "except Exception as error:",
        "except BaseException:",
        "except (ValueError, Exception):",
    ],
)
def test_a_blind_except_is_told_with_its_place(handler: str) -> None:
    text = f"class A:\n    def f(self):\n        try: g()\n        {handler} pass\n"
    (told,) = blind_excepts(made_up(text)).items()
    assert told[0] == "core/made_up.py:A.f"
    assert told[1].startswith("core/made_up.py:4: A.f catches everything")


def test_suppressing_everything_is_a_blind_except_too() -> None:
    assert blind_excepts(made_up("with contextlib.suppress(Exception):\n    g()\n"))
    assert not blind_excepts(made_up("with contextlib.suppress(OSError):\n    g()\n"))


def test_a_handler_that_passes_everything_on_is_no_border() -> None:
    assert blind_excepts(made_up("try: g()\nexcept Exception:\n    f()\n    raise\n")) == {}
    assert blind_excepts(made_up("try: g()\nexcept Exception:\n    if x: raise\n"))


def test_a_named_exception_may_be_caught() -> None:
    assert blind_excepts(made_up("try: g()\nexcept (ValueError, m.ExceptionGroup): pass\n")) == {}
