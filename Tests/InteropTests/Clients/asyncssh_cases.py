"""AsyncSSH, which rekeys repeatedly; Debian's version sends data within a key exchange."""

import asyncio
import os

import asyncssh
from claims import claim, main


async def load(cipher):
    """Commands and files in both directions, with rekeying after every 200 kB."""
    data = os.urandom(4_000_000)
    async with asyncssh.connect(
        "127.0.0.1", int(os.environ["PORT"]), username=os.environ["LOGIN"], client_keys=[os.environ["KEY"]],
        known_hosts=f"{os.environ['DIRECTORY']}/known_hosts", agent_path=None, config=None, encryption_algs=[cipher],
        rekey_bytes=200_000,
    ) as connection:

        async def echo():
            result = await connection.run("cat", input=data, encoding=None)
            assert result.stdout == data, (cipher, len(result.stdout), result.exit_status)

        async def file(name):
            async with connection.start_sftp_client() as sftp:
                async with sftp.open(name, "wb") as there:
                    await there.write(data[:2_000_000])
                async with sftp.open(name, "rb") as there:
                    assert await there.read() == data[:2_000_000]
                await sftp.remove(name)

        async def small():
            for number in range(50):
                assert (await connection.run(f"echo {number}")).stdout == f"{number}\n"

        await asyncio.wait_for(asyncio.gather(echo(), echo(), file("one"), file("two"), small()), 90)


@claim
def new_keys_under_load():
    for cipher in ["aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes256-ctr"]:
        asyncio.run(load(cipher))


main()
