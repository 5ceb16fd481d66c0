"""What is in the images, and what is not."""

import re

from tests.deploy.test_containers import DOCKERFILE, SERVICE_PROGRAMS, copied


def test_no_image_holds_tests_or_tools_of_development():
    """The services get their own code and no group of packages; the issuer, for a laptop, the group `local`."""
    assert {source for sources, _ in copied("service") for source in sources} == {
        "libs",
        "services",
        "deploy/packs",
        "deploy/__init__.py",
        "deploy/service_databases.py",
        *(f"deploy/docker/{name}.py" for name in ("__init__", *SERVICE_PROGRAMS)),
    }
    installs = re.findall(r"uv sync (.*?)\n(?![ \t])", DOCKERFILE.read_text(encoding="utf-8"), re.DOTALL)
    assert [set(re.findall(r"--no-default-groups|--group \w+|--all-groups", one)) for one in installs] == [
        {"--no-default-groups"},
        {"--no-default-groups", "--group local"},
    ]
