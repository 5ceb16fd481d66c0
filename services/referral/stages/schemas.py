"""The referral mechanism over HTTP."""

from pydantic import BaseModel, Field

from libs.events.codes import NeedCategory
from libs.events.people_codes import ClientKind
from services.referral.pack.mechanism import Lead


class LeadView(BaseModel):
    """A lead agency of a stage."""

    organization: str = Field(description="The slug of the organisation", examples=["ministry-of-labour"])
    desk: str = Field(description="Its desk, which owns what no provider takes", examples=["mintrab-training-desk"])
    co_leads: list[str] = Field(description="The organisations that lead with it", examples=[["intecap"]])
    co_lead_desk: str | None = Field(description="The desk of the co-leads, which is above the desk of the lead")

    @classmethod
    def of(cls, lead: Lead) -> "LeadView":
        """The view of a lead of the pack."""
        return cls.model_validate(lead.model_dump())


class StageView(BaseModel):
    """A stage of the mechanism."""

    stage: int = Field(examples=[4])
    name: str = Field(examples=["Medium-term needs"])
    services: list[str] = Field(description="What is done in the stage, in words")
    categories: list[NeedCategory] = Field(description="The categories of need that are met in it")
    leads: list[LeadView]


class MechanismView(BaseModel):
    """The referral mechanism of the country: its stages in their order, and the flow charts."""

    country: str = Field(examples=["GT"])
    sample: bool = Field(description="True if it is sample data and not the country's own mechanism")
    stages: list[StageView]
    flow_charts: dict[ClientKind, list[int]] = Field(
        description="By kind of client: its stages in their order. A need of another stage is reviewed first"
    )


class DeskView(BaseModel):
    """A desk of the country pack."""

    desk: str = Field(description="Its code, as the owner of a need", examples=["igm-shelter-desk"])
    name: str = Field(description="Its name for people", examples=["Migration institute, shelter"])
    stages: list[int] = Field(description="The stages in which it leads or co-leads", examples=[[2]])
    categories: list[NeedCategory] = Field(
        description="The categories in which it leads, for all needs or for those of a kind; restricted ones only with"
        " `restricted:read` and certificates"
    )
    mine: bool = Field(description="True if the caller acts for it")


class DesksView(BaseModel):
    """The desks of the country, by name."""

    desks: list[DeskView]
