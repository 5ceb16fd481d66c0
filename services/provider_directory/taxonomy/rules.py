"""Which language a reader gets (RFC 9110 section 12.5.4). Pure."""

from collections.abc import Iterator, Sequence


def language_for(accepted: str | None, available: Sequence[str]) -> str:
    """The available language that an `Accept-Language` header prefers, else the first available one.

    Regions are ignored (`es-GT` is `es`). A header that is not a list of languages is ignored, as the standard allows.
    """
    ranked = sorted(_accepted(accepted or ""), key=lambda one: -one[1])
    return next((language for language, quality in ranked if quality > 0 and language in available), available[0])


def _accepted(header: str) -> Iterator[tuple[str, float]]:
    for part in header.split(","):
        tag, _, weight = part.partition(";")
        quality = weight.strip().removeprefix("q=") or "1"
        try:
            yield tag.strip().lower().split("-")[0], float(quality)
        except ValueError:
            continue
