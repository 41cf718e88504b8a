"""Fabric of Debian."""

import os

from fabric import Connection

options = {"key_filename": os.environ["KEY"], "allow_agent": False, "look_for_keys": False}
connection = Connection("127.0.0.1", user=os.environ["LOGIN"], port=int(os.environ["PORT"]), connect_kwargs=options)
assert connection.run("echo x", hide=True).stdout == "x\n"
assert connection.run("exit 3", hide=True, warn=True).exited == 3
assert connection.run("tty", hide=True, pty=True).ok
connection.put("/etc/services", "fabric")
connection.get("fabric", os.path.join(os.getcwd(), "back"))
with open("/etc/services") as there, open("back") as back:
    assert there.read() == back.read()
connection.run("rm fabric")
print("all is well")
