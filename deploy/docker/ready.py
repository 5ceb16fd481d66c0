"""The health check of a container: `python -m deploy.docker.ready [URL]` exits with 0 if its process is ready."""

import json
import sys
import urllib.error
import urllib.request

DEFAULT_URL = "http://127.0.0.1:8000/readyz"
TIMEOUT_SECONDS = 8.0


def why_unready(url: str) -> str | None:
    """None if the process is ready, otherwise the reason in one line, which `docker inspect` shows."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS):  # noqa: S310 (the container's own address)
            return None
    except urllib.error.HTTPError as answer:
        return _parts(answer.read()) or f"answered {answer.code}"
    except OSError as error:
        return f"doesn't answer: {type(error).__name__}"


def _parts(body: bytes) -> str:
    try:
        parts = json.loads(body)["parts"]
    except (ValueError, KeyError, TypeError):
        return ""
    return "; ".join(f"{name}: {part['why']}" for name, part in parts.items() if not part["ready"])


if __name__ == "__main__":
    reason = why_unready(sys.argv[1] if len(sys.argv) > 1 else DEFAULT_URL)
    sys.exit(reason or 0)
