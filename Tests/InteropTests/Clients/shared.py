"""Many commands and transfers through one of OpenSSH's shared connections (ControlMaster)."""

import concurrent.futures
import contextlib
import os
import subprocess

from claims import claim, main

SSH, DIRECTORY, HOME = os.environ["SSH"], os.environ["DIRECTORY"], os.environ["USER_HOME"]
CONTROL = f"{DIRECTORY}/control"


@contextlib.contextmanager
def master():
    options = dict(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=30)
    subprocess.run([SSH, "-M", "-S", CONTROL, "-o", "ControlPersist=yes", "-fN", "host"], check=True, **options)
    try:
        yield
    finally:
        subprocess.run([SSH, "-S", CONTROL, "-O", "exit", "host"], check=True, **options)


@claim
def fast_commands():
    """A thousand commands, 15 at a time, each with a status of its own; standard input as INPUT says, and on a
    terminal with TERMINAL."""
    start = ["sh", "-c", 'exec "$@" <&-', "sh"] if os.environ["INPUT"] == "closed" else []
    terminal = ["-tt"] if os.environ["TERMINAL"] == "true" else ["-T"]
    # A pipe to which a process can still write, like a terminal.
    reader, writer = os.pipe()
    source = reader if os.environ["INPUT"] == "open" else subprocess.DEVNULL

    def run(number):
        words = start + [SSH, "-S", CONTROL, *terminal, "host", f"exit {number % 100}"]
        outcome = subprocess.run(words, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        return "" if outcome.returncode == number % 100 else f"{number}: {outcome.returncode} {outcome.stdout!r}"

    with master(), concurrent.futures.ThreadPoolExecutor(15) as pool:
        lost = [text for text in pool.map(run, range(1000)) if text]
    assert not lost, f"{len(lost)} of 1000: {lost[:5]}"
    os.close(writer)


@claim
def closes_all_three():
    """A program that closes its three streams and continues, while its client keeps its input open, as a terminal
    does."""
    reader, writer = os.pipe()
    with master():
        words = [SSH, "-S", CONTROL, "host", "exec <&- >&- 2>&-; sleep 0.5; touch went-on; exit 3"]
        outcome = subprocess.run(words, stdin=reader, timeout=60)
    assert outcome.returncode == 3, outcome
    assert os.path.exists(f"{HOME}/went-on")


def two_hundred(name, *words):
    for number in range(200):
        outcome = subprocess.run(words, capture_output=True, stdin=READER, timeout=60)
        assert outcome.returncode == 0, (name, number, outcome)


READER, WRITER = os.pipe()


@claim
def transfers():
    """rsync, and scp with its old protocol, in both directions, two hundred times each."""
    os.makedirs(f"{DIRECTORY}/from", exist_ok=True)
    for number in range(3):
        with open(f"{DIRECTORY}/from/{number}", "wb") as file:
            file.write(os.urandom(10000))
    options = ["-F", f"{DIRECTORY}/ssh_config", "-o", f"ControlPath={CONTROL}"]
    with master():
        two_hundred("rsync there", "rsync", "-a", "-e", f"{SSH} -S {CONTROL}", f"{DIRECTORY}/from/", "host:to")
        two_hundred("rsync back", "rsync", "-a", "-e", f"{SSH} -S {CONTROL}", "host:to/", f"{DIRECTORY}/back")
        two_hundred("scp there", "scp", "-q", "-O", *options, f"{DIRECTORY}/from/0", "host:copy")
        two_hundred("scp back", "scp", "-q", "-O", *options, "host:copy", f"{DIRECTORY}/copy")
    with open(f"{DIRECTORY}/from/0", "rb") as file, open(f"{DIRECTORY}/copy", "rb") as copy:
        assert file.read() == copy.read()
    with open(f"{DIRECTORY}/from/2", "rb") as file, open(f"{DIRECTORY}/back/2", "rb") as copy:
        assert file.read() == copy.read()


@claim
def ansible():
    """A playbook over a shared connection, with each way that Ansible has to transfer files, with and without
    pipelining; Ansible itself checks the exit statuses and standard error."""
    playbook = f"{DIRECTORY}/play.yml"
    with open(playbook, "w") as file:
        file.write(
            f"""
- hosts: all
  gather_facts: false
  tasks:
    - copy: {{content: "text {{{{ run }}}}", dest: "{HOME}/copied", mode: "0600"}}
    - command: {{cmd: "sh -c 'cat {HOME}/copied; exit 3'"}}
      register: result
      failed_when: result.rc != 3 or result.stdout != "text " + run
    - raw: exit 5
      register: result
      failed_when: result.rc != 5
    - shell: echo {{{{ item }}}}
      loop: [1, 2]
    - fetch: {{src: "{HOME}/copied", dest: "{DIRECTORY}/fetched", flat: true}}
"""
        )
    with open(f"{DIRECTORY}/inventory", "w") as file:
        file.write(f"host ansible_ssh_executable={SSH} ansible_python_interpreter=/usr/bin/python3\n")
    for method in ("sftp", "scp", "piped", "smart"):
        for pipelining in ("true", "false"):
            run = f"{method}-{pipelining}"
            environment = dict(
                os.environ, ANSIBLE_HOME=f"{DIRECTORY}/ansible", ANSIBLE_SSH_TRANSFER_METHOD=method,
                ANSIBLE_PIPELINING=pipelining, ANSIBLE_SSH_CONTROL_PATH_DIR=f"{DIRECTORY}/cp", LC_ALL="C.UTF-8",
                ANSIBLE_SSH_ARGS="-o ControlMaster=auto -o ControlPersist=30s", ANSIBLE_FORKS="1",
                ANSIBLE_SSH_COMMON_ARGS=f"-F {DIRECTORY}/ssh_config", ANSIBLE_SSH_RETRIES="0",
                ANSIBLE_SCP_EXTRA_ARGS="-O",
            )
            words = [os.environ["ANSIBLE"], "-i", f"{DIRECTORY}/inventory", "-e", f"run={run}", playbook]
            outcome = subprocess.run(
                words, stdin=READER, capture_output=True, text=True, env=environment, timeout=120)
            assert outcome.returncode == 0, (run, outcome.stdout[-3000:], outcome.stderr[-2000:])
            assert "unreachable=0" in outcome.stdout and "failed=0" in outcome.stdout, outcome.stdout
            with open(f"{DIRECTORY}/fetched") as file:
                assert file.read() == f"text {run}"
    for socket in os.listdir(f"{DIRECTORY}/cp"):
        subprocess.run([SSH, "-S", f"{DIRECTORY}/cp/{socket}", "-O", "exit", "host"], stderr=subprocess.DEVNULL)


main()
