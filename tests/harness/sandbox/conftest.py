"""Small programs for the roles, so that these tests need no worker and no grader: only the sandbox is tried."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO
from uuid import uuid4

import pytest
from docker import DockerClient

from harness.sandbox.commands import Commands
from harness.sandbox.cores import split_cores
from harness.sandbox.docker_engine import engine_cores
from harness.sandbox.docker_sandbox import DockerSandbox
from harness.sandbox.doors import doors
from harness.sandbox.roles import Limits, Sandbox, Staged, Subject

NOTICED_SEC = 2.0

RELAY = """
import json, os, socket, sys
print("relay is up", file=sys.stderr, flush=True)
listening, connected = {}, {}
def listen(name, side, door):
    path = os.path.join(os.environ["TAKEHOME_SOCKETS"], side, door)
    if os.path.exists(path): os.unlink(path)
    listening[name] = socket.socket(socket.AF_UNIX); listening[name].bind(path); os.chmod(path, 0o666)
    listening[name].listen(1); listening[name].settimeout(20)
def accept(name):
    connected[name] = listening.pop(name).accept()[0].makefile("rwb")
def ask(name, question):
    connected[name].write(json.dumps(question).encode() + b"\\n"); connected[name].flush()
    line = connected[name].readline()
    return json.loads(line) if line else {"gone": True}
def read(path):
    return open(path).read()
def unlink(path):
    os.unlink(path)
def forget(path):
    with open(path) as file:
        os.fdatasync(file.fileno()); os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
def stat(path):
    return oct(os.stat(path).st_mode), os.stat(path).st_uid
def die(code):
    print("relay dies", file=sys.stderr, flush=True); os._exit(code)
for line in sys.stdin:
    name, *args = json.loads(line)
    try: answer = {"value": globals()[name](*args)}
    except Exception as error: answer = {"error": repr(error)}
    print(json.dumps(answer), flush=True)
"""

WORKER = """
import json, os, runpy, socket, sys
sys.path.insert(0, os.environ["TAKEHOME_SUBMISSION"])
driver = runpy.run_path(os.environ["TAKEHOME_DRIVER"] + "/driver.py")
connection = socket.socket(socket.AF_UNIX); connection.connect(os.environ["TAKEHOME_SOCKET"])
stream = connection.makefile("rwb")
for line in stream:
    name, *args = json.loads(line)
    try: answer = {"value": driver[name](*args)}
    except Exception as error: answer = {"error": repr(error)}
    stream.write(json.dumps(answer).encode() + b"\\n"); stream.flush()
"""

DRIVER = """
import ctypes, mmap, os, resource, signal, socket, subprocess, sys, tempfile, threading, time
from solution import WHO
kept = []

def who(): return WHO
def hash_seed(): return os.environ["PYTHONHASHSEED"]
def environment(): return dict(os.environ)
def identity(): return [os.getuid(), os.getgid(), socket.gethostname()]
def status(): return open("/proc/self/status").read()
def interfaces(): return [line.split(":")[0].strip() for line in open("/proc/net/dev") if ":" in line]
def network(): return os.readlink("/proc/self/ns/net")
def reach(host):
    with socket.create_server(("127.0.0.1", 0)) as server:
        try: socket.create_connection((host, server.getsockname()[1]), timeout=1).close()
        except OSError as error: return error.errno
def cores(): return sorted(os.sched_getaffinity(0))
def limits(): return [resource.getrlimit(kind) for kind in
    (resource.RLIMIT_NOFILE, resource.RLIMIT_CORE, resource.RLIMIT_FSIZE, resource.RLIMIT_NPROC, resource.RLIMIT_AS)]
def write(path, size):
    with open(path, "wb") as file: file.write(b"x" * size)
def flood(megabytes):
    for _ in range(megabytes): os.write(1, (b"x" * 1023 + b"\\n") * 1024)
def read(path): return open(path, "rb").read().decode()
def length(path): return len(open(path, "rb").read())
def exists(path): return os.path.exists(path)
def scratch(name): return os.path.join(tempfile.gettempdir(), name)
def mounts(): return open("/proc/self/mounts").read()
def spin(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end: pass
def eat(megabytes):
    block = mmap.mmap(-1, megabytes * 1024**2)
    for page in range(0, len(block), 4096): block[page] = 1
    kept.append(block)
def touch(megabytes):
    eat(megabytes); kept.pop().close()
def feed_to_death(megabytes):
    child = subprocess.Popen([sys.executable, "-c", f"x = b'1' * ({megabytes} * 1024**2); print(len(x))"],
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return child.wait()
def leave(code): os._exit(code)
def send(pid, signum): os.kill(pid, signum)
def kill(signum): os.kill(os.getpid(), signum)
def fork_until_refused(most):
    made = []
    try:
        for _ in range(most):
            pid = os.fork()
            if pid == 0: signal.pause()
            made.append(pid)
    except OSError: pass
    for pid in made: os.kill(pid, signal.SIGKILL); os.waitpid(pid, 0)
    return len(made)
def stray(new_session):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"], start_new_session=new_session)
    kept.append(child)
    return child.pid
def pid(): return os.getpid()
def start_threads(count):
    for _ in range(count): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
def processes(): return sum(name.isdigit() for name in os.listdir("/proc"))

gap = 0.0
def watch():
    def run():
        global gap
        last = time.monotonic()
        while True:
            now = time.monotonic(); gap = max(gap, now - last); last = now
    threading.Thread(target=run, daemon=True).start()
def longest_gap(): return gap
def wake_by_timer():
    timer, librt = ctypes.c_void_p(), ctypes.CDLL(None, use_errno=True)
    event = (ctypes.c_int * 16)(0, 0, signal.SIGCONT, 0)
    spec = (ctypes.c_long * 4)(0, 10_000_000, 0, 10_000_000)
    assert librt.timer_create(1, ctypes.byref(event), ctypes.byref(timer)) == 0
    assert librt.timer_settime(timer, 0, ctypes.byref(spec), None) == 0
"""


@dataclass
class Bench:
    """A started sandbox, and a relay in the grader's place to speak with its subjects."""

    sandbox: Sandbox
    stream: BinaryIO

    def relay(self, *command: object) -> object:
        """Have the relay do something."""
        self.stream.write(json.dumps(command).encode() + b"\n")
        answer = b""
        while not answer.endswith(b"\n"):
            data = self.stream.read(65536)
            assert data, f"the relay is gone: {self.sandbox.grader_log()}"
            answer += data
        plain = json.loads(answer)
        assert "error" not in plain, plain
        return plain["value"]

    def start(self, *subjects: Subject, hash_seed: int = 1) -> None:
        """Start subjects and connect them."""
        for subject, door in doors(subjects).items():
            self.relay("listen", str(subject), subject.side.value, door)
        self.sandbox.restart(subjects, hash_seed)
        for subject in subjects:
            self.relay("accept", str(subject))

    def longest_gap(self, subject: Subject, wanted_sec: float) -> object:
        """Ask the thread that watches its own clock, again while it has not run since: asking may come before it."""
        deadline = time.monotonic() + NOTICED_SEC
        while (gap := self.ask(subject, "longest_gap")) < wanted_sec and time.monotonic() < deadline:
            time.sleep(0.01)
        return gap

    def ask(self, subject: Subject, *question: object) -> object:
        """Call a function of the subject's driver."""
        answer = self.raw_ask(subject, *question)
        assert "value" in answer, answer
        return answer["value"]

    def raw_ask(self, subject: Subject, *question: object) -> dict[str, object]:
        """Call a function of the subject's driver, whatever it answers."""
        return self.relay("ask", str(subject), question)


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Staged:
    """Folders as a grading stages them."""
    root = tmp_path_factory.mktemp("staged")
    for name in ("submission", "reference", "driver", "grading"):
        (root / name).mkdir()
    (root / "submission/solution.py").write_text("WHO = 'candidate'\n")
    (root / "submission/parts").mkdir()
    (root / "submission/parts/notes.txt").write_text("deep")
    (root / "reference/solution.py").write_text("WHO = 'reference'\n")
    (root / "driver/driver.py").write_text(DRIVER)
    (root / "grading/test_behaviour.py").write_text("# secret\n")
    return Staged(*(root / name for name in ("submission", "reference", "driver", "grading")))


@pytest.fixture(scope="module")
def docker_sandbox(engine: DockerClient, image: str, staged: Staged) -> Iterator[Callable[..., DockerSandbox]]:
    """Make Docker sandboxes whose roles are the small programs above, and stop them when the module is done."""
    made = []

    def make(**options: object) -> DockerSandbox:
        usual = {
            "client": engine,
            "image": image,
            "staged": staged,
            "limits": Limits(memory_mb=96, pids=16, tmpfs_mb=4),
            "cores": split_cores(engine_cores(engine), 1),
            "grading_id": uuid4().hex[:12],
            "commands": Commands(grader=("python3", "-c", RELAY), subject=("python3", "-c", WORKER)),
        }
        made.append(DockerSandbox(**(usual | options)))
        return made[-1]

    yield make
    for sandbox in made:
        sandbox.stop()


@pytest.fixture(scope="module")
def bench(docker_sandbox: Callable[..., DockerSandbox]) -> Bench:
    """Start a Docker sandbox that the tests of a module share; each starts its subjects afresh."""
    sandbox = docker_sandbox()
    return Bench(sandbox, sandbox.start())


@pytest.fixture
def own_bench(docker_sandbox: Callable[..., DockerSandbox]) -> Iterator[Bench]:
    """Start a Docker sandbox for a test that stops it, or spoils it otherwise."""
    sandbox = docker_sandbox()
    yield Bench(sandbox, sandbox.start())
    sandbox.stop()


@pytest.fixture
def new_id() -> Callable[[], str]:
    """Make up ids of gradings."""
    return lambda: uuid4().hex[:12]


@pytest.fixture(scope="session")
def programs() -> tuple[str, str]:
    """Give the two small programs: the relay in the grader's place, and a worker."""
    return RELAY, WORKER


@pytest.fixture(scope="session")
def bench_over() -> Callable[[Sandbox], Bench]:
    """Start a sandbox whose roles run the two small programs."""
    return lambda sandbox: Bench(sandbox, sandbox.start())
