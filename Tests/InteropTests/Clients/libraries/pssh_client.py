"""parallel-ssh of PyPI with one of its two libraries: pssh_client.py libssh2|libssh."""

import os
import sys

if sys.argv[1] == "libssh2":
    from pssh.clients import SSHClient
else:
    from pssh.clients.ssh import SSHClient

client = SSHClient(
    "127.0.0.1", user=os.environ["LOGIN"], port=int(os.environ["PORT"]), pkey=os.environ["KEY"], allow_agent=False)
output = client.run_command("echo out; echo err >&2; exit 6")
lines = list(output.stdout), list(output.stderr)
client.wait_finished(output)
assert lines == (["out"], ["err"]) and output.exit_code == 6, (lines, output.exit_code)
if sys.argv[1] == "libssh2":
    client.copy_file("/etc/services", "pssh")
    client.copy_remote_file("pssh", "back")
    client.scp_send("/etc/services", "pssh2")
    with open("/etc/services") as there, open("back") as back:
        assert there.read() == back.read()
    client.wait_finished(client.run_command("cmp pssh pssh2 && rm pssh pssh2"))
print("all is well")
