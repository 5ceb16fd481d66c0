"""The health check of a container."""

import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from deploy.docker import ready


def test_the_health_check_tells_which_part_is_not_ready():
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            good = self.path == "/good"
            body = json.dumps({"parts": {"a": {"ready": True}, "b": {"ready": False, "why": "waits"}}}).encode()
            self.send_response(200 if good else 503)
            self.end_headers()
            self.wfile.write(b"x" if self.path == "/odd" else body)

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            address = f"http://127.0.0.1:{server.server_port}"
            assert ready.why_unready(f"{address}/good") is None
            assert ready.why_unready(f"{address}/bad") == "b: waits"
            assert ready.why_unready(f"{address}/odd") == "answered 503"
        finally:
            server.shutdown()
            thread.join()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        assert "doesn't answer" in (ready.why_unready(f"http://127.0.0.1:{probe.getsockname()[1]}/") or "")
