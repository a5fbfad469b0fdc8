"""``demo``: the whole way on a recorded company, on embedded servers, with the ordinary commands.

Each step is the real command in a process of its own; the demo only starts the two servers, writes a configuration
for them, and sums up. Everything lives in one folder, so that the same command resumes after Ctrl-C.
"""

from __future__ import annotations

import json
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import httpx

from lago2odoo.cli.outcome import CommandOutcome, emit
from lago2odoo.sandbox import require_extra
from mappings.errors import Lago2OdooError
from mappings.money import from_subunits, told_money
from migrate import config as settings
from reports.columns import table
from reports.data import OPEN, STATUSES
from reports.texts import cause_name, side_name

Json = Mapping[str, Any]  # a document as a command printed or wrote it

PERIOD = "2026-07"
STATE = (".lago2odoo", "odoo.db", "odoo.db-wal", "odoo.db-shm", "report", "lago2odoo.toml")

CONFIGURATION = """\
# Written by 'lago2odoo demo': two embedded servers on this machine. The keys are in the demo's environment only.
[lago]
url = "{lago}"
requests_per_second = 1000

[odoo]
url = "{odoo}"
database = "demo"

[mapping]
usage_since = 2025-01-01            # all of it, so that past months can be billed again in Odoo

[cohorts.nexacloud]                 # the pilot
plans = ["nexacloud_*"]

[waive]
skipped = {waived}
"""

# What NexaSystems' history holds that Odoo cannot express, looked at and accepted for the demo.
WAIVED = (
    "language_not_installed",  # the embedded Odoo has English only
    "event_metric_unknown",  # sent by mistake: Lago never billed them either
    "event_subscription_unknown",
    "payment_dispute_lost",  # finance decides whether it is owed
    "invoice_not_final",  # one draft is open when the recording ends
    "stripe_provider_not_enabled",  # no Stripe account in a demo
)


ENDINGS = {
    0: "the demo is done: both sides agree",
    2: "the demo is done; its exit code 2 says that the month differs: the report names each difference and its cause",
    3: "the demo is done; its exit code 3 says that all differences are waived",
}


@dataclass(frozen=True, slots=True)
class DemoStep:
    """One ordinary command, and the exit codes after which the demo goes on."""

    arguments: tuple[str, ...]
    accepts: frozenset[int] = frozenset({0})


STEPS = (
    DemoStep(("extract",)),
    DemoStep(("preview",), frozenset({0, 2})),
    DemoStep(("apply",)),
    DemoStep(("preview",)),
    DemoStep(("reconcile", "--period", PERIOD), frozenset({0, 2, 3})),
    DemoStep(("report", "--period", PERIOD)),
)


class StepFailed(Lago2OdooError):
    """A step ended the demo; its own message is above, its exit code becomes the demo's."""

    def __init__(self, step: DemoStep, code: int) -> None:
        super().__init__(f"the demo ended at 'lago2odoo {' '.join(step.arguments)}'; its message is above")
        self.exit_code = code


@click.command("demo")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo"),
    show_default=True,
    help="Folder of the demo.",
)
@click.option("--fresh", is_flag=True, help="Start over: remove what an earlier demo left.")
def command(folder: Path, fresh: bool) -> int:
    """Run the whole way on a recorded company: embedded Lago, embedded Odoo, no account needed."""
    require_extra()
    if fresh:
        _clear(folder)
    folder.mkdir(parents=True, exist_ok=True)
    status, verdict = _go_the_way(folder)
    return emit(_outcome(status, verdict, folder / "report" / f"{PERIOD}.html"))


def _go_the_way(folder: Path) -> tuple[Json, Json]:
    """Every step, between two servers; then what ``status`` says and what ``reconcile`` found."""
    environment = {**settings.environment(), "LAGO_API_KEY": secrets.token_hex(20), "ODOO_KEY": secrets.token_hex(20)}
    config = folder / "lago2odoo.toml"
    with ExitStack() as stack:
        lago = stack.enter_context(_server(("sandbox", "lago"), environment, "/health"))
        odoo = stack.enter_context(
            _server(("sandbox", "odoo", "--data", str(folder / "odoo.db")), environment, "/web/health")
        )
        config.write_text(CONFIGURATION.format(lago=lago, odoo=odoo, waived=json.dumps(list(WAIVED))), encoding="utf-8")
        for step in STEPS:
            _step(step, config, environment)
        status = _json_of(("status",), config, environment)
    return status, json.loads((folder / "report" / f"{PERIOD}.json").read_text(encoding="utf-8"))


def _outcome(status: Json, verdict: Json, report: Path) -> CommandOutcome:
    """The exit code is that of reconcile: 0 equal, 2 differences, 3 only waived ones."""
    code = int(verdict["exit_code"])
    return CommandOutcome({}, f"{_summary(status, verdict, report)}\n{ENDINGS[code]}", code)


def _clear(folder: Path) -> None:
    for name in STATE:
        path = folder / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _command(arguments: Sequence[str]) -> list[str]:
    """Our own program, ending with this process: it holds the other end of the child's stdin."""
    return [sys.executable, "-m", "lago2odoo.cli.main", "--with-parent", *arguments]


@contextmanager
def _server(arguments: Sequence[str], environment: Mapping[str, str], health: str) -> Iterator[str]:
    """A sandbox server on a free port, until the block ends; it also ends by itself when this process dies."""
    port = _free_port()
    command = _command([*arguments, "--port", str(port)])
    # Its own session: Ctrl-C is for the command that runs, the servers go last.
    server = subprocess.Popen(  # noqa: S603  (our own program)
        command, env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        _wait_for(f"http://127.0.0.1:{port}{health}", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(url: str, server: subprocess.Popen[bytes], patience: int = 300) -> None:
    for _ in range(patience):
        if server.poll() is not None:
            raise Lago2OdooError(f"the embedded server ended with exit code {server.returncode}; its message is above")
        try:
            if httpx.get(url, timeout=5).is_success:
                return
        except httpx.TransportError:
            pass
        try:
            server.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
    raise Lago2OdooError(f"the embedded server does not answer on {url}")


def _step(step: DemoStep, config: Path, environment: Mapping[str, str]) -> int:
    arguments = [*step.arguments, "--config", str(config)]
    sys.stderr.write(f"\n$ lago2odoo {' '.join(arguments)}\n")
    sys.stderr.flush()
    with subprocess.Popen(_command(arguments), env=dict(environment), stdin=subprocess.PIPE) as process:  # noqa: S603
        code = process.wait()
    if code not in step.accepts:
        raise StepFailed(step, code)
    return code


def _json_of(arguments: Sequence[str], config: Path, environment: Mapping[str, str]) -> Any:
    command = _command([*arguments, "--config", str(config), "--format", "json"])
    with subprocess.Popen(  # noqa: S603
        command, env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None  # noqa: S101  (a pipe was asked for)
        return json.loads(process.stdout.read())


def _summary(status: Json, verdict: Json, report: Path) -> str:
    """Records per phase, positions compared, differences by cause, and where the report is."""
    phases = [(phase, f"{count:,}") for phase, count in status["applied"].items()]
    whole = [tie for tie in verdict["ties"] if tie["level"] == "all"]
    compared = [
        (
            tie["currency"],
            f"{sum(tie[status] for status in STATUSES):,}",
            f"{tie['equal']:,}",
            f"{sum(tie[status] for status in OPEN):,}",
            f"{tie['refused'] + tie['outside']:,}",
            f"{from_subunits(tie['delta_cents'], tie['currency']):,}",
        )
        for tie in whole
    ]
    causes = [
        (
            cause_name(c["cause"]),
            side_name(c["side"]),
            str(c["count"]),
            told_money(c["delta_cents"], c["currency"]),
        )
        for c in verdict["causes"]
    ]
    parts = [
        table(("phase", "records in Odoo"), phases),
        table((f"{PERIOD} by currency", "positions", "equal", "differing", "not compared", "Odoo - Lago"), compared),
    ]
    if causes:
        parts.append(table(("differing because of", "wrong side", "number", "difference"), causes))
    return "\n\n".join([*parts, f"report: {report.absolute()}"])
