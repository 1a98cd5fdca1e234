"""A reader of pickles that runs nothing: plain containers, text, numbers and NumPy arrays, or an error.

Python's own unpickler calls what a file names. Here the machine of `restricted_pickle` carries the
instructions out, and an instruction that makes other objects, or a name outside `arrays.ARRAY_MAKERS`,
ends the reading. Not the standard unpickler with a restricted `find_class`: that one still hands out cached
extension objects without asking, sets attributes on what it is given, and can be made to allocate without
bound by a memo index or to overflow the C stack by hashing nested tuples.
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
"""How deeply containers may lie in each other."""

VIEW_ABOVE = 2**20
"""Arrays of more bytes than this stay in the file."""


def _plain(value: Any, depth: int, done: dict[int, Any]) -> Any:
    """`value` with every array being read replaced by the array; `done` keeps what is shared shared."""
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

    Arrays are of booleans, integers, floats of at most 8 bytes, fixed-width text or bytes, or of objects
    that are text, bytes, numbers or None; they come in native byte order and may be read-only. NumPy
    scalars come as Python's numbers. Python 2's `str` comes as text in latin-1.

    Large arrays come as read-only views of the memory-mapped file, in the file's byte order, and take no memory until
    they are looked at (`pages.release_pages` gives that back). Not so with protocols 0 and 1, nor with protocol 2 as Python 3
    writes it: there the data are text with escapes, which is read.

    Args:
        path: the pickle.
        view_above: how many bytes of data make an array large; none: all are read.

    Raises:
        UserError: the file is missing, damaged, or asks for anything else (the message names it).
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
