"""Secrets in files: for every secret setting `X`, `X_FILE` can name a file that contains only this secret."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from libs.wire.secret_file import read_secret


class SettingRefused(ValueError):  # noqa: N818 (a state of the settings)
    """Settings cannot be used. `refused_settings` gives the reasons by variable, without values."""

    def __init__(self, refused: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{variable}: {why}" for variable, why in refused.items()))
        self.refused_settings = dict(refused)


def secret_of_file(path: Path, *, variable: str) -> str:
    """The content of a file with a secret, without the line end.

    `SettingRefused` if it is empty, cannot be read, or may be read by everybody.
    """
    try:
        return read_secret(path)
    except ValueError as error:
        raise SettingRefused({variable: str(error)}) from None


class SecretFiles(PydanticBaseSettingsSource):
    """The secrets of a class of settings, from the files that the environment names."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """The content of the file of one field; None if no file is named. `SettingRefused` if it cannot be used."""
        variable = variable_of(field_name, field)
        path = os.environ.get(f"{variable}_FILE")
        if variable is None or not path or f"{field_name}_file" in self.settings_cls.model_fields:
            return None, field_name, False
        if os.environ.get(variable):
            raise SettingRefused({variable: f"give it or {variable}_FILE, not both"})
        return secret_of_file(Path(path), variable=f"{variable}_FILE"), variable, False

    def __call__(self) -> dict[str, Any]:
        """All of them, by variable."""
        values = (self.get_field_value(field, name) for name, field in self.settings_cls.model_fields.items())
        return {variable: value for value, variable, _ in values if value is not None}


def variable_of(name: str, field: FieldInfo) -> str | None:
    """The variable of a secret setting; None for others. A database URL is secret, because it contains a password."""
    is_secret = name.endswith("database_url") or SecretStr in (field.annotation, *_members(field.annotation))
    return field.validation_alias if is_secret and isinstance(field.validation_alias, str) else None


def _members(annotation: Any) -> tuple[Any, ...]:
    return getattr(annotation, "__args__", ())


def from_environment_alone(settings_cls: type[BaseSettings]) -> list[str]:
    """The variables by which the environment itself gives this process a secret."""
    variables = [variable_of(name, field) for name, field in settings_cls.model_fields.items()]
    return [one for one in variables if one is not None and _tells_a_secret(os.environ.get(one, ""))]


def _tells_a_secret(value: str) -> bool:
    return bool(urlsplit(value).password) if "://" in value else bool(value)
