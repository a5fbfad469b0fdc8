"""How a webhook leaves: one POST to an address that was checked, never to a private one unless that is allowed.

The name is resolved once, every address it has must be allowed, and the connection goes to one of those addresses: a
name that is resolved differently a moment later (DNS rebinding) changes nothing. Redirects are not followed, proxies of
the environment are not used, and the whole exchange has one deadline.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Sequence[str]]

REMEDY = "allow it with the system parameter fusion_billing.webhook_allowed_hosts if it is yours"
KEPT = 1000  # bytes of an answer that are kept
PORTS = {"http": 80, "https": 443}
# addresses of clouds' own services that are not private by registration
NEVER = (ipaddress.ip_network("168.63.129.16/32"),)
# IPv6 that carries an IPv4 address in its last 32 bits
NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"), ipaddress.ip_network("::/96"))


class Undelivered(Exception):
    """Nothing was delivered; the text says why."""


class Unreachable(Undelivered):
    """The endpoint did not answer at all: whatever else waits for it would not get through either."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the endpoint said: status, the start of its body, and the unique key it named in its headers, if any."""

    status: int
    text: str
    named: str = ""


@dataclass(frozen=True, slots=True)
class Allowed:
    """Private hosts and networks that may be called all the same."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Allowed:
        """From ``"app.internal, 10.1.0.0/16"``; what is no network is a host name."""
        hosts, networks = set(), []
        for word in text.replace(",", " ").split():
            try:
                networks.append(ipaddress.ip_network(word))
            except ValueError:
                hosts.add(word.lower().rstrip("."))
        return cls(frozenset(hosts), tuple(networks))

    def takes(self, host: str, address: Address) -> bool:
        named = host.lower().rstrip(".") in self.hosts
        return named or is_public(address) or any(address in network for network in self.networks)


def resolve(host: str, port: int) -> list[str]:
    """All addresses of a name. Raises OSError."""
    return list(dict.fromkeys(str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))


def bare(text: str) -> Address:
    """The address that is really meant: IPv4 wrapped into IPv6 is IPv4."""
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if inner := address.ipv4_mapped or address.sixtofour:
            return inner
        if any(address in network for network in NAT64) and int(address) > 1:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_public(address: Address) -> bool:
    return address.is_global and not address.is_multicast and not any(address in network for network in NEVER)


def parsed(url: str) -> SplitResult:
    """The parts of an address that may be called. Raises Undelivered."""
    try:
        parts = urlsplit(url)
        known = parts.scheme in PORTS and parts.hostname and (parts.port or True)
    except ValueError as error:
        raise Undelivered(f"the address is not a URL: {error}") from error
    if not known:
        raise Undelivered("the address must begin with https:// or http:// and name a host")
    if parts.username is not None or parts.password is not None:
        raise Undelivered("the address must not hold a user or password")
    return parts


def checked(url: str, allowed: Allowed, resolver: Resolver = resolve) -> tuple[SplitResult, Sequence[str]]:
    """The parts of the URL and the addresses to connect to. Raises Undelivered."""
    parts = parsed(url)
    host = parts.hostname or ""
    try:
        found = resolver(host, parts.port or PORTS[parts.scheme])
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"{host} cannot be resolved: {error}") from error
    if not found:
        raise Unreachable(f"{host} has no address")
    for address in map(bare, found):
        if not allowed.takes(host, address):
            raise Undelivered(f"{host} is {address}, which is not public; {REMEDY}")
    return parts, found


class Pinned(http.client.HTTPConnection):
    """A connection to one of the given addresses, whatever the host name resolves to by now."""

    def __init__(self, parts: SplitResult, addresses: Sequence[str], timeout: float) -> None:
        super().__init__(parts.hostname or "", parts.port or PORTS[parts.scheme], timeout=timeout)
        self.addresses = addresses
        self.tls = ssl.create_default_context() if parts.scheme == "https" else None
        self.late = False

    def connect(self) -> None:
        self.sock = self.reach()
        if self.tls:
            # the handshake comes after ``sock`` is set, so that ``cut`` can end it
            self.sock = self.tls.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
            self.sock.do_handshake()

    def reach(self) -> socket.socket:
        for address in self.addresses[:-1]:
            try:
                return socket.create_connection((address, self.port), self.timeout)
            except OSError:
                continue  # the next address may do; the last one's error is told
        return socket.create_connection((self.addresses[-1], self.port), self.timeout)

    def cut(self) -> None:
        """End it from another thread: whoever reads or writes gets an error at once."""
        self.late = True
        try:
            if self.sock:
                self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # ended already


def post(
    url: str, body: bytes, headers: Mapping[str, str], *, allowed: Allowed, timeout: float, resolver: Resolver = resolve
) -> Answer:
    """POST ``body``; the answer, whatever its status. ``timeout``: seconds for everything. Raises Undelivered."""
    parts, addresses = checked(url, allowed, resolver)
    link = Pinned(parts, addresses, timeout)
    deadline = threading.Timer(timeout, link.cut)
    deadline.daemon = True
    deadline.start()
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        link.request("POST", path, body=body, headers={**headers, "Connection": "close"})
        answer = link.getresponse()
        text = answer.read(KEPT).decode("utf-8", "replace").replace("\0", "")
        if link.late:  # what was cut off looks like an answer that ended
            raise TimeoutError
        return Answer(answer.status, text, answer.getheader("X-Lago-Unique-Key") or "")
    except (OSError, http.client.HTTPException, ValueError) as error:
        late = link.late or isinstance(error, TimeoutError)
        why = f"no answer within {timeout:g} seconds" if late else f"{type(error).__name__}: {error}"
        raise Unreachable(why) from error
    finally:
        deadline.cancel()
        link.close()
