"""The needs that people have by what they are or tell: data of the pack (pure)."""

from libs.chassis.yaml_files import PackPart
from libs.events.codes import NeedCategory


class OwnNeeds(PackPart):
    """The categories of the needs that people have by what they are or tell, and that are reported by themselves. None:
    no need is reported."""

    child_alone: NeedCategory | None = None
    """Of a child who is alone. An emergency."""
    unlawful_return: NeedCategory | None = None
    """Of a person who tells of signs of an unlawful return, or fears to be returned. Urgent."""
