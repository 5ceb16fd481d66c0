"""What does not fit between `nrm.yaml` of a country pack, its directory and its clients.

Referral itself checks the rest of the file when it starts (`services.referral.pack.mechanism`).
"""

from collections.abc import Collection, Iterator

from deploy.packs.disagreements import Disagreement
from services.referral.pack.mechanism import Mechanism


def mechanism_disagreements(
    mechanism: Mechanism, *, organizations: Collection[str], clients: Collection[str]
) -> Iterator[Disagreement]:
    """`organizations` are the slugs of directory.yaml, `clients` the ids of clients.yaml."""
    for index, stage in enumerate(mechanism.stages):
        for number, lead in enumerate(stage.leads):
            keys = ("stages", index, "leads", number)
            for slug in sorted({lead.organization, *lead.co_leads} - {*organizations}):
                yield Disagreement("nrm", keys, f"stage {stage.stage}: {slug} is not an organisation of directory.yaml")
            for key, desk in (("desk", lead.desk), ("co_lead_desk", lead.co_lead_desk)):
                if desk is not None and desk not in clients:
                    why = f"stage {stage.stage}: no client of clients.yaml for the desk {desk}"
                    yield Disagreement("nrm", (*keys, key), why)
