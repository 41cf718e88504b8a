"""A bus of its own, with a fake systemd on it: systemd_mock.py DIRECTORY MODE

MODE: done (jobs are done at once), slow (after 300 ms), refuse (calls fail), old (as done, but OOMPolicy is unknown),
silent (calls are never answered). Prints a JSON line for each requested scope.
"""
import json
import os
import subprocess
import sys
import time

import dbus
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

directory, mode = sys.argv[1:]
NAME = "org.freedesktop.systemd1"
path = f"{directory}/bus"
configuration = f"""<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={path}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_type="method_call"/>
<allow send_type="signal"/><allow send_requested_reply="true"/><allow receive_type="method_call"/>
<allow receive_type="signal"/><allow receive_requested_reply="true" receive_type="method_return"/>
<allow receive_requested_reply="true" receive_type="error"/></policy></busconfig>"""
with open(f"{directory}/bus.conf", "w") as file:
    file.write(configuration)
daemon = subprocess.Popen(
    ["dbus-daemon", f"--config-file={directory}/bus.conf", "--nofork", "--print-address"], stdout=subprocess.PIPE
)
daemon.stdout.readline()


class Manager(dbus.service.Object):
    subscribed = False
    jobs = 0

    @dbus.service.method(NAME + ".Manager", in_signature="", out_signature="")
    def Subscribe(self):
        self.subscribed = True

    @dbus.service.method(
        NAME + ".Manager", in_signature="ssa(sv)a(sa(sv))", out_signature="o", async_callbacks=("answer", "fail")
    )
    def StartTransientUnit(self, name, kind, properties, others, answer, fail):
        given = {str(key): value for key, value in properties}
        if mode == "old" and "OOMPolicy" in given:
            return fail(PropertyReadOnly("Cannot set property OOMPolicy, or unknown property."))
        plain = {
            key: [str(v) if isinstance(v, str) else int(v) for v in value]
            if isinstance(value, dbus.Array)
            else str(value)
            for key, value in given.items()
        }
        # By now all of them must be there and wait.
        plain["commands"] = [command(process) for process in plain["PIDs"]]
        print(json.dumps({"name": str(name), "mode": str(kind), **plain}), flush=True)
        if mode == "silent":
            return
        if mode == "refuse":
            return fail(dbus.DBusException("no scopes here", name=NAME + ".NoSuchUnit"))
        Manager.jobs += 1
        job, number = f"/org/freedesktop/systemd1/job/{Manager.jobs}", Manager.jobs
        answer(dbus.ObjectPath(job))

        def done():
            if self.subscribed:
                self.JobRemoved(dbus.UInt32(number), dbus.ObjectPath(job), name, "done")
            return False

        GLib.timeout_add(300 if mode == "slow" else 1, done)

    @dbus.service.signal(NAME + ".Manager", signature="uoss")
    def JobRemoved(self, number, job, unit, result):
        pass


class PropertyReadOnly(dbus.DBusException):
    _dbus_error_name = "org.freedesktop.DBus.Error.PropertyReadOnly"


def command(process):
    """The title of a process, once it has read whose login it is."""
    for _ in range(500):
        try:
            with open(f"/proc/{process}/cmdline") as file:
                title = file.read().replace("\0", " ").strip()
        except OSError:
            return ""
        if not title.endswith("look-up"):
            return title
        time.sleep(0.01)
    return title


dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
bus = dbus.bus.BusConnection(f"unix:path={path}")
bus.request_name(NAME)
Manager(bus, "/org/freedesktop/systemd1")
print("ready", flush=True)
try:
    # Ends with the process that started it.
    GLib.io_add_watch(0, GLib.IO_HUP | GLib.IO_IN, lambda *_: sys.exit(0))
    GLib.MainLoop().run()
finally:
    daemon.kill()
    daemon.wait()
