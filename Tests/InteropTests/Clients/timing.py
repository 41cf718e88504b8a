"""How long replies take, for users who differ in what nobody may know."""

import os
import random
import statistics
import time

from claims import claim, main
from rawssh import *

ROUNDS = 25
STEPS = ["the methods", "a key that is asked about", "a signature", "a password", "an answer to a prompt"]


def answers_to(user):
    """Everything that a client can observe about a user, and the time of each reply in milliseconds."""
    seen, times = [], []
    key = Key.ed25519()
    peer = Peer()
    peer.request_service()
    messages = [
        peer.request(user, "none"),
        peer.request(user, "publickey") + boolean(False) + string("ssh-ed25519") + string(key.blob),
        peer.sign(user, key),
        peer.request(user, "password", boolean(False) + string("wrong horse")),
        byte(USERAUTH_INFO_RESPONSE) + uint32(1) + string("wrong horse"),
    ]
    for message in messages:
        if message is messages[-1]:
            peer.send(peer.request(user, "keyboard-interactive", string("") + string("")))
            seen.append(peer.receive())
        started = time.perf_counter()
        peer.send(message)
        seen.append(peer.receive())
        times.append((time.perf_counter() - started) * 1000)
    peer.socket.close()
    return seen, times


def spread(values):
    """The distance from the median that contains half of the values: as robust as the median."""
    middle = statistics.median(values)
    return statistics.median(abs(value - middle) for value in values)


@claim
def users_alike():
    """KINDS names the users: known=anna,unknown=eve. They take turns in random order, so that other load of this
    machine affects all of them; the medians may differ by random variation, and by little more."""
    kinds = dict(pair.split("=") for pair in os.environ["KINDS"].split(","))
    times = {kind: [[] for _ in STEPS] for kind in kinds}
    expected = None
    for turn in range(ROUNDS + 1):
        for kind in random.sample(list(kinds), len(kinds)):
            seen, taken = answers_to(kinds[kind])
            expected = expected or seen
            assert seen == expected, f"{kind}: {seen} and not {expected}"
            # The first round finds caches empty.
            for step, one in enumerate(taken if turn else []):
                times[kind][step].append(one)
    faults = []
    for step, name in enumerate(STEPS):
        known = times["known"][step]
        for kind in kinds:
            one = times[kind][step]
            difference = statistics.median(one) - statistics.median(known)
            # Four times the standard error of a difference of two medians, estimated from the spreads.
            chance = 4 * 1.2533 * 1.4826 * max(spread(one), spread(known)) * (2 / ROUNDS) ** 0.5
            bound = chance + 0.4 + 0.05 * statistics.median(known)
            line = f"{name}, {kind}: {statistics.median(one):.2f} ms, {difference:+.2f} of at most {bound:.2f}"
            print(line)
            if abs(difference) > bound:
                faults.append(line)
    assert not faults, faults


main()
