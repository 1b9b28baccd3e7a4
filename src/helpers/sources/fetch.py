"""Get a file over https from a host of the list: patiently, up to a size, and nothing but what it should be."""

import ipaddress
import json
import os
import re
import socket
import time
import zlib
from urllib.parse import urljoin, urlsplit

import requests
from tqdm import tqdm
from urllib3.exceptions import HTTPError
from urllib3.util import Retry

from helpers.sources.feeds import Feed, Stopped

ATTEMPTS = 5
MOST_REDIRECTS = 5
PATIENCE_SECONDS = 120
TIMEOUTS = (15, 60)
MOST_SECONDS = 900
# SEC allows ten requests a second; no host gets more from us
PAUSE_SECONDS = 0.12
STARTS = {"xlsx": b"PK\x03\x04", "zip": b"PK\x03\x04", "parquet": b"PAR1"}
TRANSIENT = (requests.ConnectionError, requests.Timeout, HTTPError)


class Fetcher:
    """Gets the files of sources.

    Parameters
    ----------
    contact : str
        Address at which the user can be reached, for hosts that ask for one.
    local : frozenset of str
        Hosts with ports that may be spoken to without https though they are on this machine; for tests.
    wait : callable
        Sleeps for some seconds.
    """

    def __init__(self, contact: str = "", local: frozenset = frozenset(), wait=time.sleep):
        if contact and not (re.fullmatch(r".*[^\s@]@[^\s@]+\.[^\s@]+.*", contact) and re.fullmatch("[ -~]+", contact)):
            raise Stopped(f"CONTACT: {contact!r} holds no mail address, such as name@example.org")
        self.contact, self.local, self._wait, self._last = contact, local, wait, {}
        self._session = requests.Session()
        # no credentials of this machine leave it; a proxy that it is told to use is used
        self._session.trust_env = False

    def get(self, feed: Feed, address: str) -> bytes:
        """Get a file.

        Parameters
        ----------
        feed : Feed
            Whose file it is: kind, size and hosts.
        address : str
            Where it is, with all blanks filled in.

        Raises
        ------
        Stopped
            If the address or a redirect leads off the list of hosts or to a private address, if it is refused, too
            large, not of its kind, or cannot be had in five attempts.
        """
        name, wait = f"{feed.source}, {feed.file}", 0
        for attempt in range(1, ATTEMPTS + 1):
            if wait > PATIENCE_SECONDS:
                raise Stopped(f"{name}: {urlsplit(address).hostname} asks to wait {wait:.0f} seconds; try again later")
            if wait:
                self._wait(wait)
            # doubled from attempt to attempt
            wait = 0.5 * 2**attempt
            try:
                with self._answer(feed, name, address) as response:
                    if response.status_code == 429 or response.status_code >= 500:
                        fault = f"answered {response.status_code}"
                        wait = max(wait, _asked(response))
                        continue
                    if response.status_code != 200:
                        raise Stopped(f"{name}: answered {response.status_code} to {address}")
                    return _of_kind(name, feed.kind, self._body(feed, name, response))
            except TRANSIENT as error:
                fault = f"was cut off ({type(error).__name__})"
        raise Stopped(f"{name}: {fault}, {ATTEMPTS} times; try again later")

    def _answer(self, feed, name, address):
        """Follow redirects by hand, each only where the file may come from."""
        # only who asks for it is told who we are
        agent = f"ai-after-deepseek {self.contact if 'User-Agent' in feed.terms else ''}".strip()
        for _ in range(MOST_REDIRECTS + 1):
            self._allowed(feed, name, address)
            host = urlsplit(address).netloc
            self._wait(max(0.0, self._last.get(host, -1.0) + PAUSE_SECONDS - time.monotonic()))
            self._last[host] = time.monotonic()
            response = self._session.get(
                address,
                stream=True,
                allow_redirects=False,
                timeout=TIMEOUTS,
                headers={"User-Agent": agent, "Accept-Encoding": "gzip"},
                proxies={} if host in self.local else requests.utils.get_environ_proxies(address),
                verify=os.environ.get("REQUESTS_CA_BUNDLE") or True,
            )
            if not response.is_redirect:
                return response
            address = urljoin(address, response.headers["location"])
            response.close()
        raise Stopped(f"{name}: more than {MOST_REDIRECTS} redirects, the last to {_shown(address)}")

    def _allowed(self, feed, name, address):
        parts = urlsplit(address)
        if parts.netloc not in feed.hosts():
            raise Stopped(
                f"{name}: {_shown(address)} is not on {' or '.join(sorted(feed.hosts()))}, where data/feeds.csv has it"
            )
        if parts.netloc in self.local:
            return
        if parts.scheme != "https":
            raise Stopped(f"{name}: {_shown(address)} is not https")
        if requests.utils.get_environ_proxies(address):
            return
        try:
            found = {entry[4][0] for entry in socket.getaddrinfo(parts.hostname, parts.port or 443)}
        except OSError:
            raise Stopped(f"{name}: there is no host {parts.hostname}, or no network") from None
        private = sorted(place for place in found if not ipaddress.ip_address(place.partition("%")[0]).is_global)
        if private:
            raise Stopped(f"{name}: {parts.hostname} leads to the private address {private[0]}")

    def _body(self, feed, name, response):
        most = int(feed.most_mb * 1e6)
        length = response.headers.get("content-length", "")
        content = bytearray()
        known = int(length) if length.isdigit() else None
        large = f"{name}: larger than the {feed.most_mb:g} MB of data/feeds.csv"
        if known and known > most:
            raise Stopped(large)
        with tqdm(total=known, desc=name, unit="B", unit_scale=True, leave=False, disable=None) as bar:
            end = time.monotonic() + MOST_SECONDS
            # as it comes, still packed: what never unpacks to anything is counted too
            while piece := response.raw.read1(65536, decode_content=False):
                content += piece
                bar.update(len(piece))
                if len(content) > most:
                    raise Stopped(large)
                if time.monotonic() > end:
                    raise Stopped(f"{name}: takes more than {MOST_SECONDS:g} seconds; try again later")
        packing = response.headers.get("content-encoding", "identity").strip().lower()
        if packing == "identity":
            return bytes(content)
        if packing != "gzip":
            raise Stopped(f"{name}: comes packed as {packing!r}, which was not asked for")
        unpacker = zlib.decompressobj(31)
        try:
            whole = unpacker.decompress(content, most + 1)
        except zlib.error:
            raise Stopped(f"{name}: is not gzip, as it says") from None
        if len(whole) > most:
            raise Stopped(large)
        if not unpacker.eof:
            raise requests.ConnectionError("the packed body has no end")
        if unpacker.unused_data:
            raise Stopped(f"{name}: goes on after the end of its packed body")
        return whole


def _shown(address):
    """Address without what may be a secret: user, query, fragment."""
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


def _asked(response):
    """Seconds that a host asks to wait, as a number or until a time."""
    try:
        return Retry().get_retry_after(response.raw) or 0
    except requests.exceptions.RequestException:
        return 0


def _of_kind(name, kind, content):
    start = content.lstrip()[:200].lower()
    if start.startswith((b"<!doctype html", b"<html")):
        raise Stopped(f"{name}: is an HTML page, not {kind}; the address in data/feeds.csv may have moved")
    if not content.startswith(STARTS.get(kind, b"")) or not content:
        raise Stopped(f"{name}: is not {kind}")
    if kind == "json":
        try:
            json.loads(content)
        except ValueError:
            raise Stopped(f"{name}: is not json") from None
    return content
