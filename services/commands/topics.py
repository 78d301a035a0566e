"""`relay topics`: the topics of the scale-out mode, made and compared."""

import asyncio

import typer

from services.commands.faults import Failed
from services.commands.output import say
from services.errors import Misconfigured
from services.runtime import brokers, settings
from services.storage import kafka_topics
from services.storage.kafka_connection import KafkaConnection
from services.storage.kafka_topics import Topic

app = typer.Typer(no_args_is_help=True, help="The topics of the scale-out mode.")


@app.command()
def create() -> None:
    """Make the topics that are missing, as RELAY_KAFKA__TOPICS_FILE describes them; safe to repeat."""
    connection, topics = _wanted()
    made = asyncio.run(kafka_topics.create_topics(connection, topics))
    for topic in topics:
        say(f"relay: {topic.name}: {'made' if topic.name in made else 'is there already'}")


@app.command()
def check() -> None:
    """Compare the brokers' topics with the file; exit status 1 where one is missing or differs."""
    found = asyncio.run(kafka_topics.differences(*_wanted()))
    if found:
        raise Failed("; ".join(found))
    say("relay: the topics are as the file describes them")


def _wanted() -> tuple[KafkaConnection, tuple[Topic, ...]]:
    held = settings.load().kafka
    if not held.servers:
        raise Misconfigured("RELAY_KAFKA__SERVERS", "is empty: there are no brokers to ask")
    return brokers.connection_of(held), kafka_topics.load(held.topics_file, replication=held.replication)
