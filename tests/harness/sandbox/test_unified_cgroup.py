"""Freezing and accounting by the kernel's second version of control groups, whichever of them the engine here uses.

The unified hierarchy is mounted for one process alone; its core, which freezes and counts processor time, is there even
where all controllers belong to the first version.
"""

import json
import os
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from harness.sandbox.local_user import is_root

REPOSITORY = Path(__file__).parents[3]
LIMIT_SEC = 60

MOUNT = 'mount -t cgroup2 none "$0" && exec "$@"'

SCRIPT = """
import json, subprocess, sys, time
from pathlib import Path
from harness.sandbox.cgroup import find_cgroup

root, name = Path(sys.argv[1]), sys.argv[2]
group = root / "docker" / name
group.mkdir(parents=True)
spin = "import time; end = time.monotonic() + 10\\nwhile time.monotonic() < end: pass"
busy = subprocess.Popen([sys.executable, "-S", "-c", spin])
(group / "cgroup.procs").write_text(str(busy.pid))
found = find_cgroup(name, root)
looks = []
for _ in range(5):
    time.sleep(0.1)
    found.freezer.pause()
    frozen = found.read()
    time.sleep(0.1)
    later = found.read()
    found.freezer.resume()
    looks.append([frozen.frozen, frozen.processes, frozen.cpu_sec, later.cpu_sec])
busy.kill()
busy.wait()
found.freezer.pause()
found.freezer.resume()
group.rmdir()
print(json.dumps({"version": found.version, "looks": looks, "gone": find_cgroup(name, root) is None}))
found.close()
"""


@pytest.mark.skipif(not is_root() or shutil.which("unshare") is None, reason="only root can mount a hierarchy")
def test_a_group_of_the_unified_hierarchy_is_found_frozen_and_counted(tmp_path):
    name = f"takehome-{os.getpid()}"
    command = ["unshare", "--mount", "sh", "-c", MOUNT, tmp_path, sys.executable, "-c", SCRIPT, tmp_path, name]
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT_SEC, check=False)
    if ended.returncode and ("mount:" in ended.stderr or "unshare:" in ended.stderr):
        pytest.skip(f"no hierarchy can be mounted here: {ended.stderr.strip()}")
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert told["version"] == 2
    assert told["gone"]
    assert len(told["looks"]) == 5
    assert all(frozen and processes == 1 for frozen, processes, _, _ in told["looks"])
    assert all(later == before for _, _, before, later in told["looks"]), "it ran on while it was frozen"
    used = [before for _, _, before, _ in told["looks"]]
    assert all(more > less for less, more in pairwise(used)), "it did not go on"
