"""The broker of the compose file as it is written; `tests/journeys/test_secured_broker.py` runs it."""

import yaml

from tests.deploy.test_containers import ROOT, filled


def test_nobody_speaks_to_kafka_in_clear_and_who_has_no_right_has_none():
    compose = filled(yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8")))["services"]
    broker = compose["kafka"]["environment"]
    protocols = dict(pair.split(":") for pair in broker["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(","))
    listens = dict(one.split("://") for one in broker["KAFKA_LISTENERS"].split(","))
    assert protocols.keys() == listens.keys()
    assert set(protocols.values()) == {"SASL_SSL"}
    assert listens["CONTROLLER"].startswith("localhost:"), "nobody else on the network reaches the controller"
    assert broker["KAFKA_ALLOW_EVERYONE_IF_NO_ACL_FOUND"] == "false"
    assert broker["KAFKA_SUPER_USERS"] == "User:admin"
    for name, part in compose.items():
        told = part.get("environment", {})
        if name != "kafka" and "KAFKA_BOOTSTRAP_SERVERS" in told:
            assert told["KAFKA_SECURITY_PROTOCOL"] == "SASL_SSL", name
            assert "KAFKA_PLAINTEXT_ALLOWED" not in told, name
    # The administrator's password is for the broker and the jobs; a service has its own.
    told_admin = {name for name, part in compose.items() if "kafka-access" in str(part.get("env_file", ""))}
    assert told_admin == {"topics", "kafka-access"}
