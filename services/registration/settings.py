"""What registration reads from its environment."""

from pathlib import Path

from pydantic import Field, SecretStr

from libs.chassis.settings import CommonSettings


class Settings(CommonSettings):
    """The common settings, the database of keys, the key that wraps them, and the country pack."""

    token_audience: str = Field(default="enlace-registration", validation_alias="ENLACE_TOKEN_AUDIENCE", min_length=1)
    database_url: str = Field(validation_alias="ENLACE_REGISTRATION_DATABASE_URL")
    keys_database_url: str = Field(validation_alias="ENLACE_REGISTRATION_KEYS_DATABASE_URL", min_length=1)
    """`postgresql://…`; a database of its own, with backups of its own that are short-lived."""
    vault_key: SecretStr = Field(validation_alias="ENLACE_VAULT_KEY", min_length=44, max_length=44)
    """32 bytes in base64, kept outside both databases."""
    pack: Path = Field(validation_alias="ENLACE_PACK")
    """Directory of the country pack."""
