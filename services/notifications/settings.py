"""The only place where notifications reads its environment."""

from pydantic import Field, SecretStr

from libs.chassis.settings import CommonSettings


class NotificationsSettings(CommonSettings):
    """Settings of notifications; those of every service are in `CommonSettings`."""

    token_audience: str = Field(default="enlace-notifications", validation_alias="ENLACE_TOKEN_AUDIENCE", min_length=1)
    database_url: str = Field(validation_alias="ENLACE_NOTIFICATIONS_DATABASE_URL")
    webhook_secret_key: SecretStr = Field(validation_alias="ENLACE_WEBHOOK_SECRET_KEY")
    """Base64 of 32 bytes: the key that seals webhook secrets. While it is changed, several keys separated by commas:
    the first seals, all of them unseal."""
    webhook_allow_private: bool = Field(default=False, validation_alias="ENLACE_WEBHOOK_ALLOW_PRIVATE")
    """For local runs only: allows http and endpoints on loopback or private addresses."""
    webhook_concurrency: int = Field(default=64, ge=1, le=1000, validation_alias="ENLACE_WEBHOOK_CONCURRENCY")
    """The maximum number of attempts in flight in one process."""
    webhook_endpoint_concurrency: int = Field(
        default=8, ge=1, le=100, validation_alias="ENLACE_WEBHOOK_ENDPOINT_CONCURRENCY"
    )
    """The maximum number of these attempts to one endpoint, so that a slow endpoint leaves capacity for the others."""
