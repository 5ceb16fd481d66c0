"""Looking through a whole database: which columns can hold words, and where a word is written."""

from __future__ import annotations

import asyncpg

WORDY = ("text", "character varying", "json", "jsonb", "bytea", "ARRAY", '"char"', "character")
_COLUMNS = """
SELECT c.table_name, c.column_name, c.data_type, e.data_type AS element
FROM information_schema.columns AS c
JOIN information_schema.tables AS t USING (table_schema, table_name)
LEFT JOIN information_schema.element_types AS e
    ON (c.table_catalog, c.table_schema, c.table_name, 'TABLE', c.dtd_identifier)
     = (e.object_catalog, e.object_schema, e.object_name, e.object_type, e.collection_type_identifier)
WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.data_type = ANY ($1)
ORDER BY 1, 2
"""


async def wordy_columns(url: str) -> set[tuple[str, str]]:
    """Every column of every table whose values are, or may hold, text."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(_COLUMNS, list(WORDY))
    finally:
        await connection.close()
    return {
        (row["table_name"], row["column_name"])
        for row in rows
        if row["data_type"] != "ARRAY" or row["element"] in WORDY
    }


async def where_it_is_written(url: str, word: str) -> set[tuple[str, str]]:
    """The columns in which the word is written somewhere, also inside of bytes and documents."""
    connection = await asyncpg.connect(url)
    found = set()
    try:
        for table, column in await wordy_columns(url):
            for row in await connection.fetch(f'SELECT "{column}" AS value FROM "{table}"'):
                value = row["value"]
                if (word.encode() in value) if isinstance(value, bytes) else (word in str(value)):
                    found.add((table, column))
    finally:
        await connection.close()
    return found
