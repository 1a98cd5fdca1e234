"""A reader of pickled plain data and NumPy arrays that runs nothing in the file.

Python's own unpickler calls the functions that a file names. Here the machine of `restricted_pickle` executes the
instructions. An instruction that makes other objects, or a name outside `arrays.ARRAY_MAKERS`, is an error.

The standard unpickler with a restricted `find_class` is not enough. It still returns cached extension objects and sets
attributes on any object. A memo index makes it allocate without bound, and hashing nested tuples overflows its C stack.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

from causalmer_core.basics.errors import UserError
from causalmer_core.restricted_pickle.arrays import ArrayFactory, PickledArray
from causalmer_core.restricted_pickle.instructions import DAMAGE, Source
from causalmer_core.restricted_pickle.machine import execute
from causalmer_core.restricted_pickle.payload import Payload
from causalmer_core.restricted_pickle.refusal import MemoryBudget, PickleRefusedError

MAX_DEPTH = 64
"""The most containers that may lie in each other."""

VIEW_ABOVE = 2**20
"""Arrays of more bytes than this stay in the file."""


def _plain(value: Any, depth: int, done: dict[int, Any]) -> Any:
    """`value` with each `PickledArray` replaced by its array; `done` keeps shared objects shared."""
    kind = type(value)
    if kind in (str, bytes, int, float, bool, type(None), bytearray, set, frozenset):
        return value
    if id(value) in done:
        return done[id(value)]
    if kind is PickledArray and value.value is not None:
        return value.value
    if kind is Payload:
        return done.setdefault(id(value), value.value())
    if kind not in (list, tuple, dict):
        raise PickleRefusedError("it has an array or a function that it never completes")
    if depth >= MAX_DEPTH:
        raise PickleRefusedError(
            f"its containers lie in each other more than {MAX_DEPTH} deep, or in themselves"
        )
    if kind is dict:
        result: Any = {key: _plain(item, depth + 1, done) for key, item in value.items()}
    else:
        result = kind(_plain(item, depth + 1, done) for item in value)
    done[id(value)] = result
    return result


def _refuse(path: Path, position: int, reason: str) -> NoReturn:
    raise UserError(
        f"{path}: refused at byte {position}: {reason}. Nothing of it was run. Allowed in a data file are "
        "NumPy arrays, dicts, lists, tuples, sets, text, bytes and numbers; if you trust the file, load it "
        "where it was made and save it again as a dict of NumPy arrays"
    )


def load_plain(path: Path | str, *, view_above: int | None = VIEW_ABOVE) -> object:
    """Read a pickle of plain data (protocols 0 to 5, Python 2 or 3, NumPy 1 or 2); run nothing of it.

    Arrays may hold booleans, integers, floats of at most 8 bytes, text or bytes of fixed width, or objects that are
    text, bytes, numbers or None. They come in native byte order and may be read-only. NumPy scalars come as Python's
    numbers. Python 2's `str` comes as text in latin-1.

    Large arrays come as read-only views of the memory-mapped file, in the file's byte order. They take no memory until
    they are read (`datasets.statistics.release_pages` frees it again). Protocols 0 and 1, and protocol 2 as Python 3
    writes it, store arrays as text with escapes: these are read into memory.

    Args:
        path: the pickle.
        view_above: an array of more bytes than this is large. None: all are read.

    Raises:
        UserError: the file is missing or damaged, or asks for anything else; the message names it.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        file = path.open("rb")
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read ({error.strerror}); give the path of a pickle file"
        ) from error
    with file:
        source = Source(file, size, view_above=view_above)
        try:
            return _plain(execute(source, ArrayFactory(MemoryBudget.for_size(size))), 0, {})
        except PickleRefusedError as error:
            _refuse(path, source.position, str(error))
        except OSError as error:
            raise UserError(f"{path}: cannot be read at byte {source.position} ({error.strerror})") from error
        except DAMAGE as error:
            raise UserError(
                f"{path}: not a whole pickle: at byte {source.position} of {size}: "
                f"{type(error).__name__}: {str(error)[:120]}; is it another kind of file, or cut short?"
            ) from error
