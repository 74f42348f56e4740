"""Pages for a real browser, on loopback: ordinary ones, and such as nobody wishes for."""

import http.server
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from integhub.runtime import chromium

SHOP = """<!doctype html><html lang="en"><title>Shop</title><h1>Shop</h1>
<img alt="Logo" src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" title="The shop">
<ul><li class="product">Mug <b>9.50</b></li><li class="product">Pen <b>0.45</b></li></ul>
<p hidden id="gone">Sold out</p>
<form action="/ordered" method="get">
  <label>E-mail <input name="email" placeholder="you@example.test"></label>
  <label>Password <input name="password" type="password"></label>
  <label>Card <select name="card"><option value="v">Visa</option><option value="m">Mastercard</option></select></label>
  <label><input type="checkbox" name="gift"> As a gift</label>
  <label>Photo <input type="file" id="photo"></label>
  <button data-testid="buy">Buy now</button> <button type="button" disabled>Later</button>
</form>
<p id="file"></p>
<a href="/help" title="Help page">Help</a> <a href="/help" target="_blank">Help in a new tab</a>
<iframe src="/card" title="Card"></iframe>
<script>
document.getElementById("photo").addEventListener("change", async (event) => {
  const [file] = event.target.files;
  document.getElementById("file").textContent = file.name + ": " + await file.text();
});
document.querySelector("h1").addEventListener("mouseover", () => { document.title = "Pointed at"; });
</script>"""

ORDERED = """<!doctype html><title>Ordered</title><h1>Thank you</h1><p id="state">placed</p><p id="who">{email}</p>
<p id="rest">{rest}</p>
<script>if (!location.search.includes("paid=never"))
setTimeout(() => {{ document.getElementById("state").textContent = "paid"; }}, 700);</script>"""

PAGES = {
    "/": SHOP,
    "/help": "<title>Help</title><h1>Help</h1><button onclick='window.close()'>Close</button>",
    "/card": "<title>Card</title><label>Number <input></label>",
    "/noise": "<title>Noise</title><script>console.error('it broke'); fetch('/missing'); null.x</script>",
    "/dialogs": "<title>?</title><script>alert('Hello'); document.title = confirm('Sure?') ? 'yes' : 'no';"
    "document.title += prompt('Name?')</script>",
    "/popups": "<title>Popups</title><script>for (let i = 0; i < 30; i++) window.open('/help?' + i)</script>",
    "/spin": "<title>Spin</title><button onclick='for (;;) {}'>Spin</button>",
    "/storage": "<title>Storage</title><p id='seen'></p><script>localStorage.n = Number(localStorage.n || 0) + 1;"
    "document.cookie = 'c=1'; document.getElementById('seen').textContent = localStorage.n</script>",
    "/rtc": "<title>RTC</title><p id='out'></p><script>(async () => { const p = new RTCPeerConnection({iceServers: "
    "[{urls: 'stun:127.0.0.2:%PORT%'}]}); p.createDataChannel('x'); await p.setLocalDescription(await p.createOffer());"
    "setTimeout(() => { out.textContent = p.localDescription.sdp.includes('candidate:') ? 'leaks' : 'tight' }, 1500)"
    "})()</script>",
}


@dataclass
class Site:
    """The server's address, and what it was asked: pairs of the address that was connected to, and the path."""

    url: str
    port: int
    asked: list[tuple[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        self.site.asked.append((self.connection.getsockname()[0], parts.path))
        self.site.headers.append(dict(self.headers))
        special = getattr(self, f"_{parts.path.strip('/').replace('-', '_')}", None)
        if special:
            special(query)
        elif parts.path == "/ordered":
            rest = ",".join(f"{name}={query[name]}" for name in sorted(query) if name not in ("email", "password"))
            self._html(ORDERED.format(email=query.get("email", ""), rest=rest))
        elif parts.path in PAGES:
            self._html(PAGES[parts.path].replace("%PORT%", query.get("port", "")))
        else:
            self._html("<title>Nothing here</title>", status=404)

    def _never(self, _query: dict[str, str]) -> None:
        time.sleep(30)

    def _slow(self, query: dict[str, str]) -> None:
        time.sleep(float(query["s"]))
        self._html("<title>Slow</title>")

    def _endless(self, _query: dict[str, str]) -> None:
        self._redirect("/endless")

    def _to(self, query: dict[str, str]) -> None:
        self._redirect(query["url"])

    def _frames(self, query: dict[str, str]) -> None:
        self._html(f"<title>Frames</title><img src='{query['url']}'><iframe src='{query['url']}'></iframe>")

    def _file(self, _query: dict[str, str]) -> None:
        self._send(b"a,b\n1,2\n", "text/csv", {"Content-Disposition": 'attachment; filename="orders.csv"'})

    def _huge(self, _query: dict[str, str]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(50 * 1024 * 1024))
        self.end_headers()
        self.wfile.write(b"<title>Huge</title><h1>Huge</h1><!--")
        for _ in range(50):
            self.wfile.write(b"x" * (1024 * 1024))

    def _redirect(self, url: str) -> None:
        self._send(b"", "text/plain", {"Location": url}, status=302)

    def _html(self, text: str, status: int = 200) -> None:
        self._send(text.encode(), "text/html; charset=utf-8", {}, status)

    def _send(self, body: bytes, media_type: str, headers: dict[str, str], status: int = 200) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": media_type, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Quiet."""


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A browser that goes away in the middle is no error here."""


@pytest.fixture(scope="module")
def _site() -> Iterator[Site]:
    server = _Server(("0.0.0.0", 0), Handler)
    port = server.server_port
    Handler.site = Site(f"http://127.0.0.1:{port}", port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Handler.site
    server.shutdown()
    server.server_close()


@pytest.fixture
def site(_site: Site) -> Site:
    """The site; whatever it was asked before is forgotten."""
    _site.asked.clear()
    _site.headers.clear()
    return _site


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Path of the system's Chromium."""
    found = chromium.find()
    if found is None:
        reason = "No Chromium found: set INTEGHUB_CHROMIUM to its path. BROWSER STEPS WERE NOT TESTED."
        pytest.fail(reason) if os.environ.get("INTEGHUB_REQUIRE_BROWSER") == "1" else pytest.skip(reason)
    return found
