"""What the demo and the simulation read from a country pack."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from deploy.local.clients import pack_file
from deploy.packs.demo_data import Demo, load_demo
from deploy.packs.directory import Directory, load_directory
from libs.chassis.yaml_files import read_model, read_yaml
from libs.consents.policy import ConsentPolicy
from libs.events.codes import TransportMode
from libs.taxonomy.model import load_taxonomy


@dataclass(frozen=True, slots=True)
class Country:
    """The directory, the invented people and partners, the consents and the desks of a pack."""

    directory: Directory
    sample: Demo
    consents: ConsentPolicy
    steward_desk: str
    child_desk: str
    lead_desks: frozenset[str]
    """The desks of the leads and the co-leads."""
    stages: Mapping[int, str]
    """The names of the stages of the referral mechanism."""
    stage_of: Mapping[str, int]
    """By category."""
    gives: Mapping[str, frozenset[str]]
    """By id of a service: the kinds of need for which it may be asked. Empty if it does not name its kinds."""
    own_needs: Mapping[str, str]
    """The categories of the needs that registration reports by itself (reception.yaml)."""

    @classmethod
    def of(cls, pack: Path) -> Self:
        """The country of the pack in `pack`. Raises FaultyFileError, which names file, line and key."""
        routing = read_yaml(pack_file(pack, "routing.yaml"))
        others = routing.get("other_categories")
        led = [*routing["categories"].values(), *filter(None, [others])]
        stages = read_yaml(pack_file(pack, "nrm.yaml"))["stages"]
        co_leads = [lead.get("co_lead_desk") for stage in stages for lead in stage["leads"]]
        taxonomy, directory = load_taxonomy(pack), load_directory(pack)
        return cls(
            directory=directory,
            sample=load_demo(pack),
            consents=read_model(ConsentPolicy, pack_file(pack, "consents.yaml")),
            steward_desk=routing["steward_desk"],
            child_desk=routing["child_desk"],
            lead_desks=frozenset(category["lead_desk"] for category in led).union(filter(None, co_leads)),
            stages={stage["stage"]: stage["name"] for stage in stages},
            stage_of={
                category: routing["categories"].get(category, others)["stage"] for category in taxonomy.categories
            },
            gives={
                str(service.id): frozenset(
                    one for kind in service.kinds for one in (kind, *taxonomy.kinds[kind].instead_of)
                )
                for service in directory.services
            },
            own_needs=read_yaml(pack_file(pack, "reception.yaml")).get("own_needs", {}),
        )

    def reception(self, mode: TransportMode) -> str:
        """The client of the reception system that registers people who come by this means of transport."""
        return self.sample.arrivals[mode].client
