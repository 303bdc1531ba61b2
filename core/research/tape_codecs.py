"""Single columns of a tape: lists of Python values to Arrow arrays and back, in bulk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from enum import StrEnum

    Values = Sequence[Any]

TIME: Final = pa.timestamp("ns", tz="UTC")
NAMES: Final = pa.dictionary(pa.int32(), pa.string())


class ColumnError(ValueError):
    """A column does not hold what its kind needs; says which."""


class Codec(Protocol):
    """Both directions of one column."""

    arrow: pa.DataType

    def encode(self, values: Values) -> pa.Array:
        """Values as an array; None becomes null."""
        ...

    def decode(self, array: pa.Array) -> Values:
        """The values of an array without nulls; with nulls it raises ColumnError."""
        ...


class Numbers:
    """Integers."""

    def __init__(self, arrow: pa.DataType) -> None:
        self.arrow = arrow

    def encode(self, values: Values) -> pa.Array:
        """Python integers to the column's width; one too large raises."""
        return pa.array(values, type=self.arrow)

    def decode(self, array: pa.Array) -> Values:
        """Python integers."""
        return _whole(array).to_numpy().tolist()  # type: ignore[no-any-return]


class Times:
    """UTC nanoseconds as timestamps, so that a reader sees dates."""

    def __init__(self) -> None:
        self.arrow = TIME

    def encode(self, values: Values) -> pa.Array:
        """Integers to timestamps."""
        return pa.array(values, type=pa.int64()).cast(TIME)

    def decode(self, array: pa.Array) -> Values:
        """Timestamps to integers."""
        return nanos(_whole(array)).tolist()  # type: ignore[no-any-return]


class Texts:
    """Texts from a small vocabulary, optionally an enumeration; equal ones are one object."""

    def __init__(self, vocabulary: type[StrEnum] | None = None) -> None:
        self.arrow = NAMES
        self._vocabulary = vocabulary

    def encode(self, values: Values) -> pa.Array:
        """Texts, each word stored once."""
        return pa.array(values, type=pa.string()).dictionary_encode().cast(NAMES)

    def decode(self, array: pa.Array) -> Values:
        """Texts, or members of the vocabulary; a word outside of it raises ColumnError."""
        words = _whole(array).dictionary.to_pylist()
        if self._vocabulary is not None:
            try:
                words = [self._vocabulary(word) for word in words]
            except ValueError as error:
                raise ColumnError(str(error)) from error
        table = np.array([*words, None], dtype=object)  # None keeps the array one-dimensional
        return table[array.indices.to_numpy()].tolist()  # type: ignore[no-any-return]


class Rows:
    """A list of small integer tuples for each row: book levels, price ranges."""

    def __init__(self, build: Callable[..., object], **types: pa.DataType) -> None:
        self._build = build
        self._types = types
        self.arrow = pa.list_(pa.struct(list(types.items())))

    def encode(self, values: Values) -> pa.Array:
        """Tuples of rows to lists of structs."""
        offsets = np.cumsum([0, *(len(rows) for rows in values)], dtype=np.int32)
        flat = [row for rows in values for row in rows]
        parts = [
            pa.array([_part(row, name, at) for row in flat], type=kind)
            for at, (name, kind) in enumerate(self._types.items())
        ]
        struct = pa.StructArray.from_arrays(parts, names=list(self._types))
        return pa.ListArray.from_arrays(pa.array(offsets), struct).cast(self.arrow)

    def decode(self, array: pa.Array) -> Values:
        """Lists of structs to tuples of rows."""
        flat = _whole(array).flatten()
        parts = [flat.field(name).to_numpy(zero_copy_only=False).tolist() for name in self._types]
        rows = list(map(self._build, *parts))
        ends = np.cumsum(array.value_lengths().to_numpy(zero_copy_only=False)).tolist()
        return [tuple(rows[start:end]) for start, end in zip([0, *ends], ends, strict=False)]


def _whole(array: pa.Array) -> pa.Array:
    if array.null_count:
        raise ColumnError("is empty in a row that needs it")
    return array


def _part(row: object, name: str, at: int) -> int:
    value: int = row[at] if isinstance(row, tuple) else getattr(row, name)
    return value


def nanos(array: pa.Array) -> np.ndarray[Any, np.dtype[np.int64]]:
    """A column of times as int64 nanoseconds, without a copy."""
    numbers: np.ndarray[Any, np.dtype[np.int64]] = array.cast(pa.int64()).to_numpy()
    return numbers
