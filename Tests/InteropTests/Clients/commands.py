"""What a client can do to a running command."""

import os

from claims import claim, main
from rawssh import *


def ask(peer, channel, name, rest):
    """True if the request is granted. The end of what a killed command writes may come first."""
    peer.send(channel.ask(name, rest))
    while (number := peer.receive()[0]) not in (CHANNEL_SUCCESS, CHANNEL_FAILURE):
        assert number in (CHANNEL_WINDOW_ADJUST, CHANNEL_EOF), number
    return number == CHANNEL_SUCCESS


@claim
def signals():
    """With REFUSED they are, and the command continues."""
    peer = Peer().login()
    channel = peer.open_channel().execute("cat")
    if os.environ["REFUSED"]:
        for name, rest in [("signal", string("TERM")), ("signal", string("KILL")), ("break", uint32(0))]:
            assert not ask(peer, channel, name, rest), name
        peer.send(channel.data(b"still here"), channel.end())
        output, _, ending = channel.output()
        assert output == b"still here" and ending == 0, (output, ending)
    else:
        assert ask(peer, channel, "signal", string("TERM"))
        assert channel.output()[2] == "TERM"


main()
