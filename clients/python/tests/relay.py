"""A UDP relay on loopback between clients and one server, whose ways can be closed."""

from __future__ import annotations

import asyncio
from typing import Any


class Relay(asyncio.DatagramProtocol):
    """Passes packets on; clients appear under addresses of the relay."""

    def __init__(self, server: tuple[str, int]) -> None:
        self._server = server
        self._backs: dict[Any, asyncio.DatagramTransport] = {}
        #: Whether packets of the clients, and of the server, get through.
        self.there = True
        self.back = True

    @classmethod
    async def start(cls, port: int) -> Relay:
        """A relay to the server on this port."""
        relay = cls(("127.0.0.1", port))
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: relay, local_addr=("127.0.0.1", 0))
        return relay

    @property
    def address(self) -> str:
        """Where clients reach the server through it."""
        return "{}:{}".format(*self.transport.get_extra_info("sockname"))

    def cut(self, is_cut: bool) -> None:
        """Nothing gets through from now on, or again."""
        self.there = self.back = not is_cut

    def rebind(self) -> None:
        """Clients appear under other addresses from now on."""
        for back in self._backs.values():
            back.close()
        self._backs.clear()

    def close(self) -> None:
        """Ends it."""
        self.rebind()
        self.transport.close()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if self.there:
            asyncio.get_running_loop().create_task(self._forward(data, addr))

    async def _forward(self, data: bytes, client: Any) -> None:
        if client not in self._backs:
            relay = self

            class Back(asyncio.DatagramProtocol):
                def datagram_received(self, data: bytes, addr: Any) -> None:
                    if relay.back:
                        relay.transport.sendto(data, client)

            made, _ = await asyncio.get_running_loop().create_datagram_endpoint(Back, remote_addr=self._server)
            self._backs.setdefault(client, made)
        self._backs[client].sendto(data)
