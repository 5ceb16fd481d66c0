"""The settings that registration reads from its environment."""

from pathlib import Path

from pydantic import Field, SecretStr

from libs.chassis.secret_files import SettingRefused, secret_of_file
from libs.chassis.settings import CommonSettings
from libs.wire.database_lines import is_on_this_machine


class Settings(CommonSettings):
    """The common settings, the databases, the keys that encrypt data keys, and the country pack."""

    token_audience: str = Field(default="enlace-registration", validation_alias="ENLACE_TOKEN_AUDIENCE", min_length=1)
    database_url: str = Field(validation_alias="ENLACE_REGISTRATION_DATABASE_URL")
    keys_database_url: str = Field(validation_alias="ENLACE_REGISTRATION_KEYS_DATABASE_URL", min_length=1)
    """`postgresql://…`: a separate database, with its own backups, which are kept only for a short time."""
    vault_key_file: Path | None = Field(default=None, validation_alias="ENLACE_VAULT_KEY_FILE")
    """A file with 32 bytes in base64, outside both databases. During a rotation it has several lines."""
    vault_key: SecretStr | None = Field(default=None, validation_alias="ENLACE_VAULT_KEY", min_length=44, max_length=44)
    """Instead of the file, if the databases are on this machine or `vault_key_from_environment` allows it."""
    vault_key_from_environment: bool = Field(default=False, validation_alias="ENLACE_VAULT_KEY_FROM_ENVIRONMENT")
    """Allows secrets in the environment, which everybody who can inspect the process can read. Only for a laptop."""
    restricted_key_file: Path | None = Field(default=None, validation_alias="ENLACE_RESTRICTED_KEY_FILE")
    """Another key, in a file of the same form. Only this key seals and finds the data about restricted needs."""
    restricted_key: SecretStr | None = Field(
        default=None, validation_alias="ENLACE_RESTRICTED_KEY", min_length=44, max_length=44
    )
    """Instead of the file, under the same conditions as `vault_key`."""
    kms_url: str | None = Field(default=None, validation_alias="ENLACE_KMS_URL", min_length=1)
    """The transit engine of a key manager (HashiCorp Vault, OpenBao), such as
    `https://bao.example.org:8200/v1/transit`. Files of vault keys name its keys by the line `transit:NAME`."""
    kms_token_file: Path | None = Field(default=None, validation_alias="ENLACE_KMS_TOKEN_FILE")
    """A file with the token of the key manager. An agent renews it; it is read again for each call."""
    kms_ca_file: Path | None = Field(default=None, validation_alias="ENLACE_KMS_CA_FILE")
    """Certificates of the authorities that vouch for the key manager, if the system does not know them."""
    kms_kept_seconds: float = Field(default=60.0, validation_alias="ENLACE_KMS_KEPT_SECONDS", ge=0, le=600)
    """How long a data key that the key manager has decrypted stays in memory. 0: each read asks the key manager."""
    grant_key_file: Path | None = Field(default=None, validation_alias="ENLACE_GRANT_KEY_FILE")
    """A file with the keys that sign the grants of packets, the one in use first. If none is named, the key is derived
    from the vault key."""
    pack: Path = Field(validation_alias="ENLACE_PACK")
    """Directory of the country pack."""

    def vault_key_text(self) -> str:
        """The content of the key's file, or the key itself on a local machine; `SettingRefused` otherwise."""
        return self._key_text(self.vault_key_file, self.vault_key, variable="ENLACE_VAULT_KEY")

    def restricted_key_text(self) -> str:
        """The same for the key of restricted needs."""
        return self._key_text(self.restricted_key_file, self.restricted_key, variable="ENLACE_RESTRICTED_KEY")

    def require_kms(self) -> tuple[str, Path]:
        """The address of the key manager and the file of the token; `SettingRefused` if they cannot be used."""
        if self.kms_url is None or self.kms_token_file is None:
            missing = "ENLACE_KMS_URL" if self.kms_url is None else "ENLACE_KMS_TOKEN_FILE"
            raise SettingRefused({missing: "Field required: a file of vault keys names a key of a key manager"})
        if not (self.kms_url.startswith("https://") or is_on_this_machine(self.kms_url)):
            raise SettingRefused({"ENLACE_KMS_URL": "must begin with https://, unless it is on this machine"})
        return self.kms_url, self.kms_token_file

    def grant_keys_text(self) -> str | None:
        """The content of the file of grant keys; None if no file is named; `SettingRefused` if it cannot be used."""
        if self.grant_key_file is None:
            return None
        return secret_of_file(self.grant_key_file, variable="ENLACE_GRANT_KEY_FILE")

    def _key_text(self, file: Path | None, key: SecretStr | None, *, variable: str) -> str:
        if file is not None:
            return secret_of_file(file, variable=f"{variable}_FILE")
        if key is None:
            raise SettingRefused({f"{variable}_FILE": "Field required"})
        if not (self.vault_key_from_environment or is_on_this_machine(self.keys_database_url)):
            why = f"the key must be in a file ({variable}_FILE) if the database of keys is on another machine"
            raise SettingRefused({variable: why})
        return key.get_secret_value()
