"""The reader of pickles: plain data of any writer is read, nothing else is, and nothing is ever run."""

from __future__ import annotations

import builtins
import collections
import functools
import os
import pickle
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from causalmer_core.basics.errors import UserError
from causalmer_core.datasets.reading.layouts.unpickle import MAX_DEPTH, VIEW_ABOVE, load_plain

PROTOCOLS = range(6)
FEATURES = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
VIEWS = (VIEW_ABOVE, 0)
"""Read into memory, or left in the file."""


def read(tmp_path: Path, data: bytes, view_above: int | None = VIEW_ABOVE) -> Any:
    path = tmp_path / "data.pkl"
    path.write_bytes(data)
    return load_plain(path, view_above=view_above)


def assert_same(found: Any, expected: Any) -> None:
    assert type(found) is type(expected)
    if isinstance(expected, np.ndarray):
        assert found.dtype == expected.dtype.newbyteorder("=")
        np.testing.assert_array_equal(found, expected)
    elif isinstance(expected, dict):
        assert list(found) == list(expected)
        for key, value in expected.items():
            assert_same(found[key], value)
    elif isinstance(expected, (list, tuple)):
        assert len(found) == len(expected)
        for left, right in zip(found, expected, strict=True):
            assert_same(left, right)
    else:
        assert found == expected


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "value",
    [
        {"train": {"text": FEATURES, "labels": FEATURES.astype(np.int64)}},
        [1, -1, 2**70, 1.5, True, False, None, "text\n é \u2028", b"\x00\xff", b"", bytearray(b"abc")],
        ((), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), [], {}, set(), {1, "a"}, frozenset({(1, "b")})),
        np.array([["ab", "c"], ["é", ""]]),
        np.array([b"ab", b"c"]),
        np.array(["a", b"b", 1, 2.5, None, True], dtype=object),
        np.array([True, False]),
        np.zeros((0, 3, 4), dtype=np.float64),
        np.array(3.0),
        FEATURES.astype(">f8"),
        np.asfortranarray(FEATURES),
        FEATURES.transpose(1, 0, 2),
        np.array(["ab", "c"], dtype=">U2"),
        FEATURES[::2, ::-1],
        np.arange(3, dtype=np.float16),
    ],
    ids=lambda value: type(value).__name__,
)
def test_plain_data_comes_back_as_it_was_written(tmp_path: Path, value: Any, protocol: int) -> None:
    assert_same(read(tmp_path, pickle.dumps(value, protocol)), value)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    "scalar", [np.float32(1.5), np.int64(7), np.bool_(True), np.str_("ab"), np.bytes_(b"ab")]
)
def test_a_numpy_scalar_comes_as_the_plain_value_that_it_equals(
    tmp_path: Path, scalar: Any, protocol: int
) -> None:
    assert_same(read(tmp_path, pickle.dumps([scalar], protocol)), [scalar.item()])


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_module_names_of_numpy_1_are_read(tmp_path: Path, protocol: int) -> None:
    data = pickle.dumps([FEATURES, np.float32(2)], min(protocol, 3))
    assert b"numpy._core" in data
    assert_same(read(tmp_path, data.replace(b"numpy._core", b"numpy.core")), [FEATURES, 2.0])


def test_framed_pickles_with_numpy_1_names_are_read(tmp_path: Path) -> None:
    numeric = b"\x8c\x12numpy.core.numeric\x8c\x0b_frombuffer\x93"
    dtype = b"\x8c\x05numpy\x8c\x05dtype\x93\x8c\x02f4\x89\x88\x87R"
    raw = np.float32([1, 2]).tobytes()
    body = numeric + b"(\x96" + struct.pack("<Q", 8) + raw + dtype + b"K\x02\x85\x8c\x01CtR."
    assert_same(read(tmp_path, b"\x80\x05" + body), np.float32([1, 2]))


def test_python_2_text_protocol_with_bytes_above_127_is_read(tmp_path: Path) -> None:
    raw = np.float32([-1.5, 3]).tobytes()
    quoted = repr(raw)[1:].encode()
    data = (
        b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n(I2\nt"
        b"cnumpy\ndtype\n(S'f4'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntbI00\nS" + quoted + b"\ntb."
    )
    assert_same(read(tmp_path, data), np.float32([-1.5, 3]))


@pytest.mark.parametrize("data", [b"S'a\\h'\n.", b"ga\\h\n."])
def test_an_odd_escape_in_a_text_is_no_warning_to_a_user(tmp_path: Path, data: bytes) -> None:
    """Warnings are errors here. The second names a memo, and is damaged."""
    try:
        assert read(tmp_path, data) == "a\\h"
    except UserError:
        assert data.startswith(b"g")


def test_python_2_binary_strings_are_read_as_latin_1(tmp_path: Path) -> None:
    assert read(tmp_path, b"\x80\x02}U\x03abcU\x02\xe9\xffs.") == {"abc": "éÿ"}


def test_what_is_shared_in_the_file_is_shared_when_read(tmp_path: Path) -> None:
    first, second = read(tmp_path, pickle.dumps([FEATURES, FEATURES]))
    assert first is second


class Calls:
    """Pickles as a call of a function."""

    def __init__(self, function: Any, *arguments: Any, state: Any = None) -> None:
        self.parts = (function, arguments, state) if state is not None else (function, arguments)

    def __reduce__(self) -> Any:
        return self.parts


MALICIOUS = {
    "posix.system": Calls(os.system, "touch owned"),
    "eval": Calls(builtins.eval, "open('owned', 'w')"),
    "getattr": Calls(getattr, Calls(builtins.__import__, "os"), "system"),
    "functools.partial": Calls(functools.partial, os.system, "touch owned"),
    "numpy.testing": Calls(np.testing.assert_equal, 1, 1),
    "collections.OrderedDict": collections.OrderedDict(a=1),
    "complex": 1j,
    "numpy.ma": np.ma.masked_array([1, 2], [0, 1]),
    "numpy.array": Calls(np.frombuffer, b"ab"),
    "numpy.load": Calls(np.load, "x.npy"),
    "Path": Path("/etc"),
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", MALICIOUS)
def test_anything_else_is_refused_and_not_run(
    tmp_path: Path, name: str, protocol: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"refused at byte \d+: it (asks for|has the instruction) .*\w"):
        read(tmp_path, pickle.dumps({"train": [MALICIOUS[name]]}, protocol))
    assert not (tmp_path / "owned").exists()


def stack_global(module: str, name: str) -> bytes:
    return b"".join(b"\x8c" + bytes([len(x)]) + x.encode() for x in (module, name)) + b"\x93"


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("builtins", "eval"),
        ("builtins", "bytes.fromhex"),
        ("numpy", "core.multiarray._reconstruct"),
        ("numpy.core", "multiarray._reconstruct"),
        ("numpy.testing._private.utils", "runstring"),
        ("numpy", "ndarray.tofile"),
        ("numpy._core.multiarray", "_reconstruct.__class__"),
        ("_codecs", "decode"),
        ("copyreg", "_reconstructor"),
    ],
)
def test_the_refusal_names_what_was_asked_for(tmp_path: Path, module: str, name: str) -> None:
    with pytest.raises(UserError, match=rf"it asks for {module}\.{name}\."):
        read(tmp_path, b"\x80\x04" + stack_global(module, name) + b"\x8c\x01x\x85R.")


ARRAY = b"\x80\x02cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"
DTYPE = b"cnumpy\ndtype\nX\x02\x00\x00\x00f4\x89\x88\x87R"


def dtype_named(spec: str) -> bytes:
    return b"cnumpy\ndtype\n" + pickle.dumps(spec, 2)[2:-3] + b"\x89\x88\x87R"


def array_of(dtype: bytes, shape: Any, data: bytes) -> bytes:
    return (
        ARRAY
        + b"(K\x01"
        + pickle.dumps(shape, 2)[2:-1]
        + dtype
        + b"\x89B"
        + struct.pack("<I", len(data))
        + data
        + b"tb."
    )


CRAFTED = {
    "more bytes claimed than given": array_of(DTYPE, (10**12,), b"abcd"),
    "a product that overflows": array_of(DTYPE, (2**32, 2**32), b""),
    "an enormous dimension": array_of(DTYPE, (2**200, 0), b""),
    "an enormous empty array": array_of(DTYPE, (0, 2**61, 2**61), b""),
    "a negative dimension": array_of(DTYPE, (-1,), b"abcd"),
    "two negative dimensions": array_of(DTYPE, (-1, -1), b"abcd"),
    "a dimension that is a flag": array_of(DTYPE, (True,), b"abcd"),
    "a shape that is a list": array_of(DTYPE, [1], b"abcd"),
    "too many dimensions": array_of(DTYPE, (1,) * 33, b"abcd"),
    "too few bytes": array_of(DTYPE, (2,), b"abcd"),
    "too many bytes": array_of(DTYPE, (1,), b"abcdefgh"),
    "a record dtype": array_of(dtype_named("f4,f4"), (1,), b"a" * 8),
    "a void dtype": array_of(dtype_named("V4"), (1,), b"abcd"),
    "a date dtype": array_of(dtype_named("M8[ns]"), (1,), b"a" * 8),
    "text of width 0": array_of(dtype_named("U0"), (10**9,), b""),
    "text that is no text": array_of(dtype_named("U1"), (1,), b"\xff\xff\xff\xff"),
    "objects from raw bytes": array_of(dtype_named("O8"), (1,), b"a" * 8),
    "no dtype": array_of(b"N", (1,), b"abcd"),
    "fields in the dtype's state": array_of(
        DTYPE + b"(K\x03X\x01\x00\x00\x00<N" + b"X\x01\x00\x00\x00a\x85}K\x04K\x01K\x00tb", (1,), b"abcd"
    ),
    "a size in the dtype's state": array_of(
        DTYPE + b"(K\x03X\x01\x00\x00\x00<NNNJ\xff\xff\xff\x7fK\x01K\x00tb", (1,), b"abcd"
    ),
    "a byte order that is none": array_of(
        DTYPE + b"(K\x03X\x01\x00\x00\x00?NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb", (1,), b"abcd"
    ),
    "a dtype state that is no tuple": array_of(DTYPE + b"]b", (1,), b"abcd"),
    "an array that never gets its state": ARRAY + b".",
    "the type of arrays itself": b"\x80\x02cnumpy\nndarray\n.",
    "an allowed function as a value": b"\x80\x02]cnumpy\ndtype\na.",
    "an array of another type": b"\x80\x02cnumpy.core.multiarray\n_reconstruct\nK\x00K\x00\x85C\x01b\x87R.",
    "a state for a dict": b"\x80\x02}}b.",
    "a state for a function": b"\x80\x02cnumpy\ndtype\n}b.",
    "items for an array": ARRAY + b"K\x00K\x00s.",
    "bytes of a given length": b"\x80\x02c__builtin__\nbytes\nJ\xff\xff\xff\x7f\x85R.",
    "another codec": b"\x80\x02c_codecs\nencode\nX\x01\x00\x00\x00aX\x03\x00\x00\x00hex\x86R.",
    "an array of objects in objects": ARRAY + b"(K\x01K\x01\x85" + dtype_named("O8") + b"\x89]]atb.",
    "an extension code": b"\x80\x02\x82\x01.",
    "a persistent id": b"\x80\x02K\x01Q.",
    "a persistent id as text": b"Pabc\n.",
    "an old-style instance": b"(ios\nsystem\n.",
    "an object": b"\x80\x02(cos\nsystem\no.",
    "a new object": b"\x80\x02cnumpy\ndtype\n)\x81.",
    "a buffer from outside": b"\x80\x05\x97.",
    "a huge memo index": b"\x80\x02r\xff\xff\xff\x7f.",
    "a memo entry that is not there": b"\x80\x02h\x07.",
    "a huge announced text": b"\x80\x04\x8d" + struct.pack("<Q", 2**62) + b"ab.",
    "huge announced bytes": b"\x80\x04\x8e" + struct.pack("<Q", 2**40) + b"ab.",
    "an empty stack": b"\x80\x02.",
    "a mark that is not there": b"\x80\x02t.",
    "an unhashable key": b"\x80\x02}]K\x01s.",
    "a key without a value": b"\x80\x02}(K\x01u.",
    "a list that holds itself": b"\x80\x02]q\x00h\x00a.",
    "lists in lists": b"\x80\x02" + b"]" * (MAX_DEPTH + 2) + b"a" * (MAX_DEPTH + 1) + b".",
    "tuples in tuples": b"\x80\x02)" + b"\x85" * 3 * 10**5 + b".",
    "tuples in tuples as a key": b"\x80\x02})" + b"\x85" * 3 * 10**5 + b"Ns.",
    "one text converted many times": b"\x80\x02X" + struct.pack("<I", 10**5) + b"a" * 10**5
    + b"q\x00c_codecs\nencode\nq\x01(" + b"h\x01h\x00\x85R" * 10**4 + b"t.",
    "nothing": b"",
    "no pickle": b"PK\x03\x04",
    "words": b"# A data set\n",
}  # fmt: skip


@pytest.mark.parametrize("view_above", VIEWS)
@pytest.mark.parametrize("name", CRAFTED)
def test_a_crafted_file_is_an_error_to_the_user_and_no_more(
    tmp_path: Path, name: str, view_above: int
) -> None:
    with pytest.raises(UserError, match=r"data\.pkl: (refused at byte|not a whole pickle)"):
        read(tmp_path, CRAFTED[name], view_above)


def test_shared_lists_nested_like_laughs_take_no_time(tmp_path: Path) -> None:
    laughs: list[Any] = []
    for _ in range(MAX_DEPTH - 2):
        laughs = [laughs] * 10
    assert isinstance(read(tmp_path, pickle.dumps(laughs)), list)


def test_a_file_that_is_not_there_is_an_error_to_the_user(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"absent\.pkl: cannot be read"):
        load_plain(tmp_path / "absent.pkl")
    with pytest.raises(UserError, match="cannot be read"):
        load_plain(tmp_path)


SAMPLE = {
    "text": FEATURES,
    "id": np.array(["a", "b"]),
    "o": np.array(["a", 1], dtype=object),
    "n": [1.5, {2}],
}
SAMPLES = [pickle.dumps({"train": SAMPLE}, protocol) for protocol in PROTOCOLS]

PLAIN = (dict, list, tuple, set, frozenset, str, bytes, bytearray, int, float, bool, type(None), np.ndarray)


def plain_or_refused(tmp_path: Path, data: bytes, view_above: int) -> bool:
    try:
        value = read(tmp_path, data, view_above)
    except UserError as error:
        return "data.pkl" in str(error)
    return isinstance(value, PLAIN)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sample=st.sampled_from(SAMPLES),
    flips=st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), max_size=6),
    cut=st.none() | st.integers(0, 2**16),
    view_above=st.sampled_from(VIEWS),
)
def test_a_damaged_file_is_plain_data_or_an_error_to_the_user(
    tmp_path: Path, sample: bytes, flips: list[tuple[int, int]], cut: int | None, view_above: int
) -> None:
    damaged = bytearray(sample)
    for place, byte in flips:
        damaged[place % len(damaged)] = byte
    data = bytes(damaged if cut is None else damaged[: cut % len(damaged)])
    assert plain_or_refused(tmp_path, data, view_above)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.sampled_from([bytes([c]) for c in b"}]()\x85\x86\x87teausbR.\x94K\x01h\x00q0122N\x88"]),
        max_size=60,
    ),
    st.sampled_from(VIEWS),
)
def test_random_instructions_are_plain_data_or_an_error_to_the_user(
    tmp_path: Path, codes: list[bytes], view_above: int
) -> None:
    data = ARRAY + b"q\x00" + DTYPE + b"q\x01" + b"".join(codes) + b"."
    assert plain_or_refused(tmp_path, data, view_above)


def test_nothing_in_the_package_imports_the_unpickler_of_python() -> None:
    package = Path(load_plain.__code__.co_filename).parents[3]
    for source in package.rglob("*.py"):
        assert "import pickle\n" not in source.read_text(), source


@pytest.mark.slow
def test_the_worst_files_leave_the_interpreter_alive_in_little_memory(tmp_path: Path) -> None:
    for index, data in enumerate(CRAFTED.values()):
        (tmp_path / f"{index}.pkl").write_bytes(data)
    program = (
        "import resource, sys, pathlib\n"
        "from causalmer_core.datasets.reading.layouts.unpickle import load_plain\n"
        "from causalmer_core.basics.errors import UserError\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "for path in pathlib.Path(sys.argv[1]).glob('*.pkl'):\n"
        "    try: load_plain(path)\n"
        "    except UserError: pass\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 500, "MiB more than before"
