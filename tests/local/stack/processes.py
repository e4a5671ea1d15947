"""Servers in the background: start, find again, stop with all their children."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from settings import Layout, StackError

PROC = Path("/proc")
TAIL_LINES = 20
STOP_SECONDS = 10.0
KILL_SECONDS = 5.0


@dataclass(frozen=True)
class Server:
    """One background process, found again through its pid file by later runs of the command."""

    name: str
    layout: Layout

    @property
    def log(self) -> Path:
        return self.layout.logs / f"{self.name}.log"

    @property
    def pid_file(self) -> Path:
        return self.layout.run / f"{self.name}.json"

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Starts the command in a session of its own, so that it outlives this one and its terminal."""
        with self.log.open("wb") as log:
            process = subprocess.Popen(
                command,
                env=dict(environment),
                cwd=self.layout.root,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        record = {"pid": process.pid, "birth": _birth(process.pid)}
        self.pid_file.write_text(json.dumps(record) + "\n")

    def pid(self) -> int | None:
        """The process id while the server runs; a process that merely inherited the number doesn't count."""
        try:
            record = json.loads(self.pid_file.read_text())
        except (OSError, ValueError):
            return None
        pid = int(record["pid"])
        birth = _birth(pid)
        return pid if birth is not None and birth == record["birth"] else None

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Waits for the server to be ready, and shows the end of its log if it isn't in time."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self.pid() is None:
                raise StackError(f"{self.name} stopped while starting\n{self.tail()}")
            if time.monotonic() > deadline:
                raise StackError(f"{self.name} wasn't ready after {seconds:.0f} s\n{self.tail()}")
            time.sleep(0.05)

    def tail(self) -> str:
        """The end of the log, for error messages."""
        try:
            lines = self.log.read_text(errors="replace").splitlines()
        except OSError:
            return f"(no log at {self.log})"
        shown = "".join(f"  | {line}\n" for line in lines[-TAIL_LINES:]) or "  | (nothing)\n"
        return f"{shown}  (the whole log: {self.log})"

    def stop(self) -> bool:
        """Stops the server and its children; says whether it was running."""
        pid = self.pid()
        if pid is not None:
            _signal(pid, signal.SIGTERM)
            if not _gone(pid, STOP_SECONDS):
                _signal(pid, signal.SIGKILL)
                _gone(pid, KILL_SECONDS)
            _kill_group(pid)
        self.pid_file.unlink(missing_ok=True)
        return pid is not None


def stop_postgres(data: Path) -> None:
    """Stops a PostgreSQL that its owner left behind, as it does when the owner is killed."""
    for pid_file in data.rglob("postmaster.pid"):
        try:
            pid = int(pid_file.read_text().splitlines()[0])
        except (OSError, ValueError, IndexError):
            continue
        if str(pid_file.parent) in _command(pid):
            _signal(pid, signal.SIGQUIT)
            if not _gone(pid, STOP_SECONDS):
                _signal(pid, signal.SIGKILL)


def _birth(pid: int) -> str | None:
    """When a process started, which together with its id names it for good; nothing if it has ended."""
    if (PROC / "self" / "stat").exists():
        try:
            # The name of the program comes second, in brackets, and may hold blanks and brackets itself.
            fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return None if fields[0] == "Z" else fields[19]
    state, _, start = _ps(pid, "stat=,lstart=").partition(" ")
    return None if not state or state.startswith("Z") else start.strip()


def _command(pid: int) -> str:
    if (PROC / "self" / "stat").exists():
        try:
            return (PROC / str(pid) / "cmdline").read_text().replace("\0", " ")
        except OSError:
            return ""
    return _ps(pid, "args=")


def _ps(pid: int, columns: str) -> str:
    """What `ps` says of a process, where the kernel has no files for that."""
    command = ["ps", "-ww", "-o", columns, "-p", str(pid)]
    environment = {**os.environ, "LC_ALL": "C"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment).stdout.strip()


def _gone(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while _birth(pid) is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _kill_group(leader: int) -> None:
    """Ends what a server started and didn't end itself: it led a session and so a group of its own."""
    with suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)
