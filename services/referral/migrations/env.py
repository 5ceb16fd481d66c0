import services.referral.bulk_answers.tables
import services.referral.certificates.tables
import services.referral.clocks.tables
import services.referral.intake.tables
import services.referral.journeys.tables.journeys
import services.referral.journeys.tables.stays
import services.referral.ownership.tables
import services.referral.places.tables
import services.referral.providers.tables
import services.referral.reviews.tables
import services.referral.searches.tables
import services.referral.waitlists.tables  # noqa: F401
from libs.chassis.migrations import run_env
from services.referral.database import Table

run_env(Table.metadata)
