"""A server on this machine that serves files as badly as told."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


class Handler(BaseHTTPRequestHandler):
    """Serves `server.files`; each request takes the next of `server.moods`, and is well served if there is none."""

    def do_GET(self):
        server, name = self.server, self.path.lstrip("/")
        start = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        server.asked.append((name, start))
        mood = server.moods.pop(0) if server.moods else "well"
        content = server.files.get(name)
        if mood.isdigit() or content is None:
            self.send_error(int(mood) if mood.isdigit() else 404)
        elif mood == "page":
            self.answer(200, b"<html>Please log in</html>")
        elif start >= len(content) > 0 and start:
            self.send_error(416)
        else:
            self.serve(content, start, mood)

    def serve(self, content, start, mood):
        if mood == "wrong bytes":
            content = bytes(len(content))
        if start and mood not in ("all over", "all over, breaks"):
            at = start + 1 if mood == "elsewhere" else start
            span = {"Content-Range": f"bytes {at}-{len(content) - 1}/{len(content)}"}
            self.answer(206, content[start:], span, mood)
        else:
            self.answer(200, content, {}, mood)

    def answer(self, status, content, headers=(), mood=""):
        self.send_response(status)
        for name, value in dict(headers).items():
            self.send_header(name, value)
        if mood != "no length":
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if mood.endswith(("breaks", "hangs")) else content)
        if mood == "hangs":
            self.server.over.wait(10)
        self.close_connection = True

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.files, running.moods, running.asked = {}, [], []
        running.address = f"http://127.0.0.1:{running.server_port}/"
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        running.over = threading.Event()
        yield running
        running.over.set()
        running.shutdown()
