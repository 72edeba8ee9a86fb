"""Requests that a server on a developer's machine gets to see sooner or later: what was tried on Vite, and its kin."""

from __future__ import annotations

from collections.abc import Iterator

SECRETS = ("/etc/passwd", "etc/passwd", "modelpack.toml", ".env", "secret.txt", "../secret.txt")
PREFIXES = ("/", "/models/", "/models/c/", "/@fs/", "/loader/")
CLIMBS = (
    "..",
    "../..",
    "../../../../../../..",
    "%2e%2e",
    "%2e%2e%2f%2e%2e",
    "..%2f..",
    "..%5c..",
    "..\\..",
    "....//....//",
    "%252e%252e%252f",
    "..;/..",
    "%c0%ae%c0%ae/%c0%ae%c0%ae",
    "..%00",
)
# CVE-2024-45811, CVE-2025-30208, -31125, -31486, -32395, -46565 and relatives: the ways around a list of what may be read.
SUFFIXES = ("?raw", "?raw??", "?import&raw??", "?url", "?.svg?.wasm?init", "?inline&import", "#/x")
TARGETS = (
    "",
    " ",
    "*",
    "/%",
    "/%zz",
    "/%00",
    "/\x01",
    "//",
    "//etc/passwd",
    "//localhost/models/manifest.json",
    "/./models/manifest.json",
    "/models//manifest.json",
    "/models/./manifest.json",
    "/models/c/../manifest.json",
    "/MODELS/manifest.json",
    "/models/manifest.json/",
    "/models/manifest.json%00",
    "/models/manifest.json%20",
    "/models/manifest.json::$DATA",
    "/models/manifest.json;x",
    "/models/%6danifest.json",
    "/models%2fmanifest.json",
    "/models\\manifest.json",
    "/models",
    "/models/",
    "/models/c",
    "/models/c/",
    "/loader/",
    "/file:///etc/passwd",
    "file:///etc/passwd",
    "http://localhost/models/manifest.json",
    "http://evil.test/models/manifest.json",
    "https://evil.test/",
    "evil.test:443",
    "/" + "a" * 8000,
    "/" + "../" * 2000,
    "/models/c/" + "0" * 64 + ".bin",
    "/.git/config",
    "/.modelpack/cache",
    "/public/models/manifest.json",
    "/session.json/../../secret.txt",
    "/samples/../secret.txt",
    "/events/..",
    "/index.html",
    "/favicon.ico",
)


def hostile_targets() -> Iterator[str]:
    """Request targets of which none has an address here."""
    yield from TARGETS
    for prefix in PREFIXES:
        for climb in CLIMBS:
            yield f"{prefix}{climb}/secret.txt"
    for secret in SECRETS:
        for suffix in SUFFIXES:
            yield f"/{secret.lstrip('/')}{suffix}"
            yield f"/@fs/{secret.lstrip('/')}{suffix}"


def hostile_messages(port: int) -> Iterator[bytes]:
    """Whole requests that are malformed, smuggled or misdirected."""
    host = f"Host: localhost:{port}\r\n".encode()
    get = b"GET /models/manifest.json HTTP/1.1\r\n"
    yield b"\r\n\r\n"
    yield b"\x00" * 64
    yield b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 32  # TLS
    yield b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    yield b"GET /models/manifest.json\r\n"
    yield b"GET  /models/manifest.json HTTP/1.1\r\n" + host + b"\r\n"
    yield b"get /models/manifest.json http/1.1\r\n" + host + b"\r\n"
    yield get + b"\r\n"  # no Host
    yield get + host + host + b"\r\n"
    yield get + b"Host: localhost\r\n\r\n"
    yield get + b"Host: \r\n\r\n"
    yield get + f"Host: localhost:{port}:80\r\n\r\n".encode()
    yield get + f"Host: localhost:{port}@evil.test\r\n\r\n".encode()
    yield get + f"Host: evil.test, localhost:{port}\r\n\r\n".encode()
    yield get + f"Host: localhost.evil.test:{port}\r\n\r\n".encode()
    yield get + f"Host: 127.0.0.1.nip.io:{port}\r\n\r\n".encode()
    yield get + f"Host: 0.0.0.0:{port}\r\n\r\n".encode()
    yield get + f"Host: [::]:{port}\r\n\r\n".encode()
    yield get + f"Host: 2130706433:{port}\r\n\r\n".encode()
    yield get + f"Host: localhost:{port + 1}\r\n\r\n".encode()
    yield get + f"Host: LOCALHOST.:{port}\r\n\r\n".encode()
    yield get + f"Host: evil.test\r\nX-Forwarded-Host: localhost:{port}\r\n\r\n".encode()
    yield get + f"Host: evil.test\r\nForwarded: host=localhost:{port}\r\n\r\n".encode()
    yield get + host + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"
    yield get + host + b"Content-Length: -1\r\n\r\n"
    yield get + host + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"
    yield get + host + b"Transfer-Encoding: xchunked\r\n\r\n"
    yield get + host + b"X: " + b"a" * 200_000 + b"\r\n\r\n"
    yield get + host + b"Bad Name: x\r\n\r\n"
    yield get + host + b"X: a\x00b\r\n\r\n"
    yield get + host + b" folded: x\r\n\r\n"
    for method in (
        "POST",
        "PUT",
        "DELETE",
        "PATCH",
        "OPTIONS",
        "TRACE",
        "CONNECT",
        "PROPFIND",
        "X",
    ):
        yield f"{method} /models/manifest.json HTTP/1.1\r\n".encode() + host + b"\r\n"
    for origin in ("null", "http://evil.test", f"http://localhost:{port + 1}", "file://", "x"):
        yield get + host + f"Origin: {origin}\r\n\r\n".encode()
        yield get + host + f"Origin: http://localhost:{port}\r\nOrigin: {origin}\r\n\r\n".encode()
    yield get + host + b"Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n\r\n"
    yield get + host + b"Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n\r\n"
    websocket = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    yield b"GET /events HTTP/1.1\r\n" + host + websocket + b"Sec-WebSocket-Key: AAAA\r\n\r\n"
    yield b"GET /events HTTP/1.1\r\n" + host + b"\r\n"
    yield b"GET /events?token= HTTP/1.1\r\n" + host + b"\r\n"
    yield b"GET /events?token=guessed HTTP/1.1\r\n" + host + b"\r\n"
