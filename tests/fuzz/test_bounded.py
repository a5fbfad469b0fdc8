"""What counts as a hang of a fuzzed run: time that it computes itself, not what a busy machine gives to others."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from tests.fuzz.driver import Hang, bounded


def test_what_computes_for_too_long_hangs() -> None:
    with pytest.raises(Hang, match=r"more than 0\.2 seconds of processor time"), bounded(0.2, 600):
        while True:
            pass


def test_what_waits_for_ever_hangs() -> None:
    with pytest.raises(Hang, match=r"more than 0\.3 seconds of waiting"), bounded(60, 0.3):
        time.sleep(600)


def test_what_others_compute_meanwhile_does_not_count() -> None:
    busy = "import time\nuntil = time.process_time() + 1\nwhile time.process_time() < until: pass"
    with bounded(0.5, 600):
        subprocess.run([sys.executable, "-c", busy], check=True)
