"""What code made an artefact: a hash of a script and of everything of ours that it imports.

Snakemake reruns a rule when its script changes, and does not see a change in a module that the
script imports. :func:`code_fingerprint` closes that gap: given to a rule as a parameter, it
changes exactly when the meaning of the code in the script's import closure may have changed.

- *Closure.* Imports are found by reading the code, never by running it: absolute and relative,
  at the top or inside functions, of modules or of their attributes, each with the ``__init__`` of
  the packages that Python would run on the way. A string that spells a module (``"nao.model"``,
  as given to ``importlib``) counts as an import of it, one that ends in a dot
  (``"nao.estimators."``) as an import of the whole package, and the name of a data file that lies
  beside the module (``"paper.mplstyle"``) as that file. Imports for type checkers only do not
  count.
- *Meaning.* A file counts as its syntax tree without docstrings, so that comments, docstrings and
  layout change nothing. The tree is written out by this module, not by ``ast.dump`` or
  ``ast.unparse``, whose texts vary between Python versions.
- *Observers.* ``nao.provenance`` watches a computation and takes no part in it; it is left out, so
  that a better record does not mean a new training.

Evaluation is cached for the life of the process (a thousand jobs share a dozen scripts);
:func:`forget` drops that cache.
"""

import ast
import hashlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

PACKAGE = "nao"
OBSERVERS = ("nao.provenance",)
SHORT = 12  # hex digits of a function's hash: told apart, not sealed (the file's hash does that)

_UNSEEN_FIELDS = frozenset({"ctx", "type_comment", "type_ignores", "kind"})
_MODULE_NAME = re.compile(rf"({PACKAGE}(?:\.\w+)*)(\.|:\w+)?")
_FILE_NAME = re.compile(r"[\w-]+\.\w{1,12}")


@dataclass(frozen=True)
class CodeFile:
    """Hash of one file's meaning, and of each function in it (``Class.method``, ``<module>``)."""

    sha256: str
    functions: dict[str, str] = field(default_factory=dict)


def code_fingerprint(path: str | Path, root: str | Path | None = None) -> str:
    """SHA-256 (hex) over the closure of ``path``: every file's name and hash.

    ``root`` is the folder that holds the package ``nao``; by default the nearest one above
    ``path`` that does, else the one that this package was imported from.
    Raises ``ValueError`` for a file that is not valid Python, ``FileNotFoundError`` if absent.
    """
    return combine({name: entry.sha256 for name, entry in code_files(path, root).items()})


def code_files(path: str | Path, root: str | Path | None = None) -> dict[str, CodeFile]:
    """The closure of ``path``: file name relative to ``root`` → its hashes, sorted by name."""
    script = Path(path).resolve()
    return _closure(script, Path(root).resolve() if root is not None else repository_of(script))[0]


def foreign_modules(path: str | Path, root: str | Path | None = None) -> frozenset[str]:
    """What the closure of ``path`` imports of others: the first parts of the modules' names."""
    script = Path(path).resolve()
    return _closure(script, Path(root).resolve() if root is not None else repository_of(script))[1]


def combine(hashes: dict[str, str]) -> str:
    """The fingerprint of a closure from the hashes of its files."""
    lines = (f"{name} {digest}\n" for name, digest in sorted(hashes.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def forget() -> None:
    """Read the code anew at the next call (files are otherwise read once a process)."""
    _closure.cache_clear()


def repository_of(path: Path) -> Path:
    """The nearest folder above ``path`` that holds the package, else where ours was imported."""
    for folder in path.parents:
        if (folder / PACKAGE / "__init__.py").is_file():
            return folder
    return Path(__file__).resolve().parents[2]


@cache
def _closure(script: Path, root: Path) -> tuple[dict[str, CodeFile], frozenset[str]]:
    found: dict[Path, CodeFile] = {}
    foreign: set[str] = set()
    waiting = [script]
    while waiting:
        file = waiting.pop()
        if file in found:
            continue
        source = file.read_bytes()
        if file.suffix == ".py":
            found[file], imports, names = _read(source, file.name)
            waiting += _imported(imports, file, root, script.parent)
            foreign |= {name for wanted in imports if (name := _foreign(wanted, script.parent))}
            waiting += [file.parent / name for name in names if (file.parent / name).is_file()]
        else:
            found[file] = CodeFile(hashlib.sha256(source).hexdigest())
    named = {_name(file, root): entry for file, entry in found.items()}
    return dict(sorted(named.items())), frozenset(foreign)


def _name(file: Path, root: Path) -> str:
    """Where a file lies, in words that do not change when the clone moves."""
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else file.name


# --- which files -----------------------------------------------------------------------------


def _imported(imports: frozenset[str], file: Path, root: Path, scripts: Path) -> Iterator[Path]:
    """Files that the import statements of ``file`` make Python run (``..x`` is relative)."""
    for wanted in imports:
        module = _absolute(wanted, file, root)
        if f"{module}.".startswith(tuple(f"{observer}." for observer in OBSERVERS)):
            continue
        if module.endswith("."):  # a name completed at run time: anything in the package
            yield from _inside(root.joinpath(*module.rstrip(".").split(".")))
        home = root if module.split(".")[0] == PACKAGE else scripts
        yield from _run_by(module.rstrip("."), home)


def _foreign(wanted: str, scripts: Path) -> str | None:
    """The package of others that an import is of; None for ours and Python's own."""
    first = wanted.partition(".")[0]
    known = first in ("", PACKAGE) or first in sys.stdlib_module_names
    return None if known or any(_run_by(first, scripts)) else first


def _absolute(wanted: str, file: Path, root: Path) -> str:
    level = len(wanted) - len(wanted.lstrip("."))
    if level == 0:
        return wanted
    package = file.parents[level - 1] if level <= len(file.parents) else root
    prefix = package.relative_to(root).parts if package.is_relative_to(root) else ()
    return ".".join((*prefix, *filter(None, [wanted[level:]])))


def _run_by(module: str, home: Path) -> Iterator[Path]:
    """``import a.b.c`` runs a/__init__, a/b/__init__, then a/b/c; unknown names are not ours."""
    folder = home
    for part in module.split("."):
        if (init := folder / part / "__init__.py").is_file():
            yield init
        elif (single := folder / f"{part}.py").is_file():
            yield single
            return
        folder = folder / part
        if not folder.is_dir():
            return


def _inside(package: Path) -> Iterator[Path]:
    observers = tuple(observer.replace(".", "/") for observer in OBSERVERS)
    for file in sorted(package.rglob("*.py")):
        if not any(f"/{observer}/" in file.as_posix() for observer in observers):
            yield file


# --- what a file says ------------------------------------------------------------------------


_seen: dict[bytes, tuple[CodeFile, frozenset[str], frozenset[str]]] = {}


def _read(source: bytes, name: str) -> tuple[CodeFile, frozenset[str], frozenset[str]]:
    """A file's hashes, the modules it imports and the data files it may name."""
    key = hashlib.sha256(source).digest()
    if key not in _seen:
        try:
            tree = ast.parse(source)
        except SyntaxError as error:
            raise ValueError(f"{name}, line {error.lineno}: not valid Python, mend it") from error
        imports: set[str] = set()
        strings: set[str] = set()
        _collect(tree, imports, strings)
        parts: dict[str, str] = {}
        text = _divide(tree.body, "", parts)
        entry = CodeFile(hashlib.sha256(text.encode()).hexdigest(), parts)
        names = {s for s in strings if _FILE_NAME.fullmatch(s) and not s.endswith(".py")}
        _seen[key] = entry, frozenset(imports), frozenset(names)
    return _seen[key]


def _collect(node: ast.AST, imports: set[str], strings: set[str]) -> None:
    match node:
        case ast.Import():
            imports.update(alias.name for alias in node.names)
        case ast.ImportFrom():
            base = "." * node.level + (node.module or "")
            imports.add(base)
            joint = "" if not node.module else "."
            imports.update(f"{base}{joint}{a.name}" for a in node.names if a.name != "*")
        case ast.Expr(value=ast.Constant()):
            return
        case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
            for child in node.orelse:
                _collect(child, imports, strings)
            return
        case ast.Constant(value=str(text)) if len(text) < 200:
            strings.add(text)
            if module := _MODULE_NAME.fullmatch(text):
                imports.add(module[1] + ("." if module[2] == "." else ""))
    for child in ast.iter_child_nodes(node):
        _collect(child, imports, strings)


def _divide(body: list[ast.stmt], prefix: str, parts: dict[str, str]) -> str:
    """The text of ``body``; on the way each function's hash, and under its owner what is left."""
    texts, rest = [], []
    for node in body:
        if _is_docstring(node):
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            name, text = f"{prefix}{node.name}", _write(node)
            # overloads and conditional twins share a name: their hashes are chained
            parts[name] = _short(parts.get(name, "") + text)
        elif isinstance(node, ast.ClassDef):
            head = node.name + _write([*node.decorator_list, *node.bases, *node.keywords])
            rest.append(head)
            text = f"class {head}{_divide(node.body, f'{prefix}{node.name}.', parts)}"
        else:
            text = _write([node])
            rest.append(text)
        texts.append(text)
    parts[prefix.rstrip(".") or "<module>"] = _short("".join(rest))
    return "{" + ";".join(texts) + "}"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:SHORT]


_fields: dict[type, tuple[str, ...]] = {}


def _write(node: object) -> str:
    """The syntax tree as text, without docstrings, positions and whatever is empty."""
    out: list[str] = []
    _write_into(node, out.append)
    return "".join(out)


def _write_into(node: object, put) -> None:
    if isinstance(node, list):
        put("[")
        for item in node:
            if not _is_docstring(item):
                _write_into(item, put)
                put(",")
        put("]")
    elif isinstance(node, ast.AST):
        kind = type(node)
        if kind not in _fields:
            _fields[kind] = tuple(f for f in kind._fields if f not in _UNSEEN_FIELDS)
        put(kind.__name__)
        put("(")
        for name in _fields[kind]:
            value = getattr(node, name, None)
            if value is None or value == []:
                continue
            put(name)
            put("=")
            _write_into(value, put)
        put(")")
    else:
        put(ascii(node))


def _is_docstring(node: object) -> bool:
    """A string on a line of its own, whatever it stands under, does nothing."""
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Constant):
        return False
    return isinstance(node.value.value, str)
