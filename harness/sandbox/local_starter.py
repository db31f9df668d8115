"""Start processes of this machine under orders, all from one thread."""

import os
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from harness.errors import SandboxFailed
from harness.sandbox.launcher import Orders
from harness.sandbox.local_folder import MARK_VARIABLE, LocalFolder
from harness.sandbox.local_user import KEPT_CAPABILITIES, Users, give_back, take_uid

PACKAGES: Final = Path(__file__).parents[2]
"""Where `harness` and `grader` are imported from."""

INHERITED: Final = ("PATH", "LANG", "HOME")
"""All that a role sees of our own environment."""

PROBE_LIMIT_SEC: Final = 30.0
"""Starting an interpreter twice, on a busy machine."""


class Starter:
    """Start processes from a thread that lives until `close`: the kernel ends them with the thread that began them."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="starter")

    def run(
        self, orders: Orders, command: tuple[str, ...], environment: Mapping[str, str], folder: Path, pipes: int
    ) -> subprocess.Popen[bytes]:
        """Start `command` in `folder`, leading a session of its own; `pipes` is where its standard streams go."""
        launch = [sys.executable, "-P", "-s", "-m", "harness.sandbox.launcher", orders.to_text(), *command]
        variables = {
            **{name: os.environ[name] for name in INHERITED if name in os.environ},
            "PYTHONPATH": str(PACKAGES),
            "PYTHONDONTWRITEBYTECODE": "1",
            "TMPDIR": str(folder),
            **environment,
        }

        def start() -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                launch, 0, stdin=pipes, stdout=pipes, stderr=pipes, cwd=folder, env=variables, start_new_session=True
            )

        return self._thread.submit(start).result()

    def close(self) -> None:
        """Let the thread end, and with it whatever it started."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def probe_users(starter: Starter, folder: LocalFolder) -> Users:
    """Find out what a user of its own must be allowed before it can run a worker on this machine."""
    uid = take_uid()
    read = f"PathFinder.find_spec('driver', [{str(folder.driver)!r}]).loader.get_code('driver')"
    look = f"from importlib.machinery import PathFinder; import harness.worker.service; {read}"
    command = (sys.executable, "-P", "-s", "-c", look)
    environment = {MARK_VARIABLE: folder.mark_value("probe")}
    try:
        for capability in KEPT_CAPABILITIES:
            orders = Orders(os.getpid(), (), {}, uid, capability)
            if starter.run(orders, command, environment, folder.root, subprocess.DEVNULL).wait(PROBE_LIMIT_SEC) == 0:
                return Users(own=True, capability=capability)
    finally:
        give_back(uid)
    advice = "use Docker, or run this command as an ordinary user"
    raise SandboxFailed(f"a user without privileges cannot run {sys.executable}: {advice}")
