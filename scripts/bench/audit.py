"""The cost of the journal: the same daemon with `audit.enabled` and without, alternately, as ratios."""

from measures import login_time
import servers
import transfers


def _turns(server, figure):
    """The sums of a figure with the journal and without: both servers run, and are measured in an order that favours
    none."""
    on, off = (
        servers.Ours(
            f"{server.name}-{name}", server.folder, server.data, server.user, executables=server.executables, audit=keys)
        for name, keys in (("audit-on", ""), ("audit-off", "enabled: false")))
    try:
        for each in (on, off):
            each.start()
        sums = {on.name: 0.0, off.name: 0.0}
        for each in (on, off, off, on):
            sums[each.name] += figure(each)
        return sums[on.name], sums[off.name]
    finally:
        for each in (on, off):
            if each.process:
                each.stop()


def transfer(measure):
    """The rate of a transfer with the journal, relative to that without."""
    def ratio(server, scale):
        on, off = _turns(server, lambda each: measure(each, scale))
        return on / off
    return ratio


def login(server, scale):
    """The time of `ssh host true` with the journal, relative to that without."""
    on, off = _turns(server, lambda each: login_time(each, scale))
    return on / off


get = transfer(transfers.download(servers.CIPHER))
put = transfer(transfers.upload(servers.CIPHER))
small_get = transfer(transfers.small_download)
small_put = transfer(transfers.small_upload)
