"""Creates and checks the topics, once, before the services start: `python -m deploy.docker.topics`."""

import asyncio
import os
import sys

from libs.events.cluster import Cluster
from libs.events.topics import ensure_topics


def main() -> None:
    """Create and check every topic of the catalogue on the cluster that the environment names.

    `ENLACE_TOPIC_COPIES` is the number of brokers that keep each partition; -1 means the default of the cluster.
    """
    copies = int(os.environ.get("ENLACE_TOPIC_COPIES", "-1"))
    cluster = Cluster.from_environment(os.environ["KAFKA_BOOTSTRAP_SERVERS"], os.environ)
    asyncio.run(ensure_topics(cluster, replication_factor=copies))
    sys.stdout.write("all topics exist with the required settings\n")


if __name__ == "__main__":
    main()
