"""Which of DuckDB's errors are about files of usage or the machine, and which about a value in them.

DuckDB is not imported: what never counted usage has not loaded it, and need not.
"""

from __future__ import annotations

import errno
import os
import re
import sys

_OF_WRITING = (errno.EROFS, errno.EPERM, errno.EACCES, errno.ENOSPC, errno.EDQUOT)
_NUMBER = re.compile(r'"errno":"(\d+)"')


def is_of_files(error: BaseException) -> bool:
    """Whether files are not there, are no Parquet or damaged inside, or the machine has no room for a query.

    A query of ours that is wrong is none of these.
    """
    duckdb = sys.modules.get("duckdb")
    if duckdb is None or is_of_value(error):
        return False
    # of no class of its own is what Parquet's decoder says of a damaged inside
    return type(error) is duckdb.Error or isinstance(error, duckdb.OperationalError | duckdb.InvalidInputException)


def errno_told_by(error: BaseException) -> int | None:
    """Why the system let DuckDB write no file; None for any other error.

    Its C++ exceptions carry the number beside the words (``src/common/local_file_system.cpp``: ``IOException("Could not
    write file ...: %s", {{"errno", ...}}, ..., strerror(errno))``), and its Python client hands on the words alone: of
    what is written in the background with the number as JSON (seen with 2.0.1), else with ``strerror``'s words only.
    """
    duckdb = sys.modules.get("duckdb")
    if duckdb is None or not isinstance(error, duckdb.IOException):
        return None
    said = str(error)
    if number := _NUMBER.search(said):
        return int(number[1])
    return next((number for number in _OF_WRITING if os.strerror(number) in said), None)


def is_of_value(error: BaseException) -> bool:
    """Whether a value in whole files cannot be counted: JSON that is none, which DuckDB calls an invalid input too."""
    duckdb = sys.modules.get("duckdb")
    return duckdb is not None and isinstance(error, duckdb.InvalidInputException) and "JSON" in str(error)
