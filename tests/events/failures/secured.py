"""A Kafka as an installation has it: TLS, SCRAM-SHA-512, and whatever no rule allows denied."""

from __future__ import annotations

import datetime
import ipaddress
import secrets
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from deploy.local import kafka
from libs.events.cluster import Cluster, SaslMechanism, SecurityProtocol
from libs.events.users import set_passwords
from tests.events.failures.servers import BreakableKafka

PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"
SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
PASSWORD = secrets.token_urlsafe(18)


def make_certificates(directory: Path) -> None:
    """A CA in `ca.pem`, and a broker's key and certificate for 127.0.0.1 in `broker.pem`."""
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tests")])
    now = datetime.datetime.now(datetime.UTC)

    def certificate(name: x509.Name, public: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(ca_name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + datetime.timedelta(days=1))
        )

    ca = certificate(ca_name, ca_key.public_key()).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    ca_made = ca.sign(ca_key, hashes.SHA256())
    broker = certificate(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker")]), key.public_key())
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    broker_made = broker.add_extension(address, critical=False).sign(ca_key, hashes.SHA256())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (directory / "ca.pem").write_bytes(ca_made.public_bytes(Encoding.PEM))
    (directory / "broker.pem").write_bytes(private + broker_made.public_bytes(Encoding.PEM))


class SecuredKafka(BreakableKafka):
    """One node; `admin` may do everything, everybody else what was granted."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        directory.mkdir(parents=True, exist_ok=True)
        make_certificates(directory)
        self.ca_file = directory / "ca.pem"

    def changes(self) -> dict[str, str]:
        """TLS and SASL on every listener, that of the controller too."""
        login = f'{PLAIN} username="admin" password="{PASSWORD}" user_admin="{PASSWORD}";'
        return {
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "allow.everyone.if.no.acl.found": "false",
            "super.users": "User:admin",
            "listeners": f"SASL_SSL://{self.bootstrap},CONTROLLER://127.0.0.1:{self._ports['controller_port']}",
            "advertised.listeners": f"SASL_SSL://{self.bootstrap}",
            "listener.security.protocol.map": "CONTROLLER:SASL_SSL,SASL_SSL:SASL_SSL",
            "inter.broker.listener.name": "SASL_SSL",
            "sasl.enabled.mechanisms": "SCRAM-SHA-512,PLAIN",
            "sasl.mechanism.inter.broker.protocol": "PLAIN",
            "sasl.mechanism.controller.protocol": "PLAIN",
            "listener.name.sasl_ssl.plain.sasl.jaas.config": login,
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": SCRAM,
            "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.controller.plain.sasl.jaas.config": login,
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self._directory / "broker.pem"),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.ca_file),
        }

    def cluster(self, user: str, password: str | None = None) -> Cluster:
        """The cluster as `user` reaches it; its password is its own unless another is given."""
        return Cluster(
            self.bootstrap,
            SecurityProtocol.SASL_SSL,
            SaslMechanism.PLAIN if user == "admin" else SaslMechanism.SCRAM_SHA_512,
            user,
            password or (PASSWORD if user == "admin" else f"{user}-{PASSWORD}"),
            self.ca_file,
        )

    async def start(self) -> None:
        """Start it, and wait until it answers its administrator."""
        node = await kafka.start(
            self._directory / "kafka",
            family=self._family,
            log=self._directory / "kafka.log",
            changes=self.changes(),
            client=self.cluster("admin").options(),
            **self._ports,
        )
        self._child = node.child

    async def add_users(self, users: Iterable[str]) -> None:
        """Give each of them a password."""
        await set_passwords(self.cluster("admin"), {user: f"{user}-{PASSWORD}" for user in users})
