"""The text search: folded words of organisations, locations and towns; services treat all apostrophes as one."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_ACCENTED = "ÀÁÂÃÄÅÇÈÉÊËÌÍÎÏÑÒÓÔÕÖÙÚÛÜÝàáâãäåçèéêëìíîïñòóôõöùúûüýÿ"
_PLAIN = "aaaaaaceeeeiiiinooooouuuuyaaaaaaceeeeiiiinooooouuuuyy"
_APOSTROPHES = (
    "'`\u00b4\u02b9\u02bb\u02bc\u02bd\u02be\u02bf\u02c8\u02ca\u02cb\u2018\u2019\u201b"
    "\u2032\u2035\ua78b\ua78c\uff07\u055a\u05f3\u07f4\u07f5\u1fbd\u1fbf\u1ffe\uff40"
)
_TEXTS = {
    "organization": "name || ' ' || coalesce(alternate_name, '')",
    "location": "coalesce(name, '') || ' ' || description",
    "address": "city || ' ' || coalesce(region, '')",
    "service": "name || ' ' || description",
}


def _words(text: str) -> str:
    written = (_ACCENTED + _APOSTROPHES).replace("'", "''")
    return " || ".join(
        f"to_tsvector('simple'::regconfig, translate(lower({text}), '{written}', '{letters}'))"
        for letters in (_PLAIN + "''" * len(_APOSTROPHES), _PLAIN)
    )


def upgrade() -> None:
    """Create the words from the stored texts; create the column of services and its index again."""
    op.execute("ALTER TABLE service DROP COLUMN words")
    for table, text in _TEXTS.items():
        op.execute(f"ALTER TABLE {table} ADD COLUMN words tsvector GENERATED ALWAYS AS ({_words(text)}) STORED")
        op.execute(f"CREATE INDEX {table}_by_words ON {table} USING gin (words)")
    for table in ("service", "location"):
        op.execute(f"CREATE INDEX {table}_by_place ON {table} (place text_pattern_ops)")


def downgrade() -> None:
    """Nothing to do: an older version searches the column of services, which still exists."""
