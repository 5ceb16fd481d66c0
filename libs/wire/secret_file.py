"""A file that contains only a secret."""

import stat
from pathlib import Path


def read_secret(path: Path) -> str:
    """The content of the file, without the line end.

    ValueError with the reason, without the content, if it is empty, cannot be read, or is readable by everybody.
    """
    try:
        readable_by_others = path.stat().st_mode & stat.S_IROTH
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the file cannot be read ({type(error).__name__})") from None
    if readable_by_others:
        raise ValueError("everybody can read the file; remove this right (chmod o-r)")
    if not text:
        raise ValueError("the file is empty")
    return text
