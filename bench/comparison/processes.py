"""Starts programs on chosen processors, within a deadline, and leaves none behind."""
import ctypes
import os
import signal
import subprocess
import time

SERVER_CPU, LOAD_CPU = sorted(os.sched_getaffinity(0))[:2] if len(os.sched_getaffinity(0)) > 1 else (0, 0)
PR_SET_PDEATHSIG = 1


class Trouble(Exception):
    """Something without which nothing can be measured."""


class Processes:
    def __init__(self, folder, priority, deadline):
        self.folder, self.priority, self.deadline = folder, priority, deadline
        self.running = []

    def __enter__(self):
        # A polite kill must also end what runs.
        self.before = signal.signal(signal.SIGTERM, self._terminated)
        return self

    def __exit__(self, *_):
        self.end()
        signal.signal(signal.SIGTERM, self.before)

    @staticmethod
    def _terminated(*_):
        raise KeyboardInterrupt

    def _before(self):
        """In the child: dies with us; its session is an autogroup of its own, which alone decides among sessions."""
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if self.priority:
            os.setpriority(os.PRIO_PROCESS, 0, -20)
            try:
                with open("/proc/self/autogroup", "w", encoding="ascii") as f:
                    f.write("-20")
            except OSError:
                pass  # a kernel without autogroups

    def left(self):
        return self.deadline - time.monotonic()

    def start(self, command, cpu=SERVER_CPU, **more):
        process = subprocess.Popen(["taskset", "-c", str(cpu), *command], stdin=subprocess.DEVNULL, start_new_session=True,
                                   preexec_fn=self._before, **more)
        self.running.append(process)
        return process

    def run(self, command, cpu=LOAD_CPU, seconds=300, **more):
        """stdout; a program that takes too long is ended."""
        process = self.start(command, cpu, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)
        try:
            out, err = process.communicate(timeout=max(1, min(seconds, self.left())))
        except subprocess.TimeoutExpired:
            raise Trouble(f"{os.path.basename(command[0])} took too long") from None
        finally:
            self.stop(process, kill=True)
        return process.returncode, out, err

    def stop(self, process, kill=False):
        if process.poll() is None:
            process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(15)
        if process in self.running:
            self.running.remove(process)

    def end(self):
        for process in list(self.running):
            self.stop(process)


def children_of(pid):
    """The process and everything it started: name servers fork their workers."""
    family = [pid]
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8") as f:
                parent = int(f.read().rsplit(")", 1)[1].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        if parent in family and int(entry) not in family:
            family.append(int(entry))
    return family
