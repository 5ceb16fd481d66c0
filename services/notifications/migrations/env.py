import services.notifications.deliveries.tables
import services.notifications.endpoints.tables
import services.notifications.inbox.tables  # noqa: F401
from libs.chassis.migrations import run_env
from services.notifications.database import NotificationsTable

run_env(NotificationsTable.metadata)
