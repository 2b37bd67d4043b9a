"""Which addresses a source may reach: pure rules plus one look-up of the name.

A camera's address comes from a person, a playlist or a redirect, so it is hostile until checked. A name is
resolved once and the connection goes to the address that was checked; nothing behind these rules resolves
it again.
"""

import ipaddress
import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from inference_workers.contracts.lease import SourceKind
from inference_workers.engine.errors import EngineError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[[str, int], list[str]]

SCHEMES: dict[SourceKind, frozenset[str]] = {
    SourceKind.RTSP: frozenset({"rtsp", "rtsps"}),
    SourceKind.MJPEG: frozenset({"http", "https"}),
    SourceKind.HLS: frozenset({"http", "https"}),
}
_DEFAULT_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
_MAX_URL_CHARS = 2048
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# A wide entry such as 0.0.0.0/0 must not open these by accident: they have to be named themselves.
_NAMED_ONLY: tuple[Network, ...] = (
    ipaddress.IPv4Network("0.0.0.0/8"),
    ipaddress.IPv4Network("127.0.0.0/8"),
    ipaddress.IPv4Network("169.254.0.0/16"),
    ipaddress.IPv4Network("224.0.0.0/4"),
    ipaddress.IPv4Network("240.0.0.0/4"),
    ipaddress.IPv6Network("::/127"),
    ipaddress.IPv6Network("fe80::/10"),
    ipaddress.IPv6Network("ff00::/8"),
)


@dataclass(frozen=True, slots=True)
class Target:
    """A checked place to connect to.

    Attributes:
        host: the name as the URL says it (for the Host header and TLS).
        address: the address that was checked; the only one to connect to.
        path: path and query, starting with `/`.
        trusted_network: the administrator listed the address, so a self-signed certificate is accepted.
    """

    scheme: str
    host: str
    port: int
    address: str
    path: str
    trusted_network: bool

    @property
    def tls(self) -> bool:
        return self.scheme in {"rtsps", "https"}

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def split_url(url: str, schemes: frozenset[str]) -> SplitResult:
    """Check the form of a URL without looking anything up.

    Raises:
        EngineError: `url_invalid`, `scheme_refused` or `credentials_in_url`. The URL is never repeated.
    """
    if len(url) > _MAX_URL_CHARS or any(char <= " " or char in {"\x7f", "\\"} for char in url):
        raise EngineError(
            "url_invalid",
            f"expected an address of at most {_MAX_URL_CHARS} characters without spaces, control "
            "characters or backslashes; correct the camera's address",
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise EngineError(
            "url_invalid", "expected an address like rtsp://host:554/path; its host or port is broken"
        ) from error
    if parts.scheme not in schemes:
        raise EngineError(
            "scheme_refused",
            f"expected {' or '.join(sorted(schemes))}, got {parts.scheme[:20]!r}",
        )
    if parts.username is not None or parts.password is not None:
        raise EngineError(
            "credentials_in_url",
            "the address holds a user name or password; put them into the camera's credential fields",
        )
    if not parts.hostname or port == 0:
        raise EngineError("url_invalid", "expected an address with a host name and a port above 0")
    return parts


def parse_networks(words: Iterable[str]) -> tuple[Network, ...]:
    """Read CIDR strings; raises EngineError `networks_invalid` for the first that is none."""
    networks: list[Network] = []
    for word in words:
        try:
            networks.append(ipaddress.ip_network(word.strip(), strict=False))
        except ValueError as error:
            raise EngineError(
                "networks_invalid",
                f"allowed networks: expected a CIDR such as 10.1.0.0/16, got {word[:60]!r}; an "
                "administrator can correct the site's networks",
            ) from error
    return tuple(networks)


def _embedded(address: Address) -> Address:
    """The IPv4 address that an IPv6 form carries (mapped, 6to4, NAT64), else the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _inside(network: Network, wider: Network) -> bool:
    if isinstance(network, ipaddress.IPv4Network):
        return isinstance(wider, ipaddress.IPv4Network) and network.subnet_of(wider)
    return isinstance(wider, ipaddress.IPv6Network) and network.subnet_of(wider)


def is_listed(address: Address, networks: tuple[Network, ...]) -> bool:
    """Whether the administrator's list names this address (special ranges by an entry of their own)."""
    address = _embedded(address)
    for special in _NAMED_ONLY:
        if _within(address, (special,)):
            return _within(address, (n for n in networks if _inside(n, special)))
    return _within(address, networks)


def is_allowed(address: Address, networks: tuple[Network, ...]) -> bool:
    """Public addresses always; private, loopback, link-local, multicast ones only when listed."""
    if is_listed(address, networks):
        return True
    address = _embedded(address)
    special = _within(address, _NAMED_ONLY) or address.is_private or address.is_multicast
    return address.is_global and not special


def resolve(host: str, port: int) -> list[str]:
    """Addresses of a name, through the system's resolver, in its order."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(item[4][0]) for item in found))


def _addresses(host: str, port: int, resolver: Resolver) -> list[Address]:
    try:
        words = resolver(host, port)
        return [ipaddress.ip_address(word.partition("%")[0]) for word in words]
    except (OSError, UnicodeError, ValueError) as error:
        raise EngineError(
            "name_not_found",
            f"the name {host[:100]!r} has no address; check the spelling or the name server",
            transient=True,
        ) from error


def check_url(
    url: str,
    schemes: frozenset[str],
    networks: tuple[Network, ...],
    resolver: Resolver = resolve,
) -> Target:
    """Decide whether `url` may be reached, and where to connect to.

    Raises:
        EngineError: the form is wrong, the name has no address (`name_not_found`, transient), or none of
            its addresses is allowed (`network_refused`).
    """
    parts = split_url(url, schemes)
    host = parts.hostname or ""
    port = parts.port or _DEFAULT_PORTS[parts.scheme]
    addresses = _addresses(host, port, resolver)
    chosen = next((item for item in addresses if is_allowed(item, networks)), None)
    if chosen is None:
        raise EngineError(
            "network_refused",
            f"{host[:100]} is at {', '.join(map(str, addresses[:4])) or 'no address'}, which is no public "
            "address and in none of the site's allowed networks; an administrator can list its network",
        )
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port, str(chosen), path, is_listed(chosen, networks))


def connect(target: Target, timeout_s: float) -> socket.socket:
    """Open TCP to the checked address; raises EngineError `unreachable` (transient) in words."""
    try:
        link = socket.create_connection((target.address, target.port), timeout=timeout_s)
    except OSError as error:
        reason = "no answer in time" if isinstance(error, TimeoutError) else error.strerror
        raise EngineError(
            "unreachable",
            f"{target.host}:{target.port} could not be reached: {reason}; check power, cable and port",
            transient=True,
        ) from error
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return link
