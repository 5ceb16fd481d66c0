"""A file that holds a secret and nothing else."""

import stat
from pathlib import Path


def read_secret(path: Path) -> str:
    """What it holds, without the end of its line.

    ValueError, which says why and quotes nothing, if it is empty, cannot be read, or may be read by everybody.
    """
    try:
        readable_by_others = path.stat().st_mode & stat.S_IROTH
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the file cannot be read ({type(error).__name__})") from None
    if readable_by_others:
        raise ValueError("everybody may read the file: take that right away (chmod o-r)")
    if not text:
        raise ValueError("the file is empty")
    return text
