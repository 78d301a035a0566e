"""The topics: as a file describes them, made and compared on the brokers. Nothing else ever makes one."""

import asyncio
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, for_code
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from schemas.events import TOPICS
from services.errors import Misconfigured, Transient
from services.storage.kafka_connection import KafkaConnection

_TOPIC_EXISTS: Final = 36
_COPIES: Final = "min.insync.replicas"
_SEEN_WITHIN: Final = 20.0  # seconds
_LOOK_EVERY: Final = 0.02
_SETTING: Final = "RELAY_KAFKA__TOPICS_FILE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic as it should be; `config` is in the brokers' own words."""

    name: str
    partitions: int
    replication: int
    config: Mapping[str, str]


class _Defaults(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    replication: int = Field(ge=1, le=9)
    config: dict[str, str] = {}


class _One(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    partitions: int = Field(ge=1, le=1000)
    replication: int | None = Field(None, ge=1, le=9)
    config: dict[str, str] = {}


class _File(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    defaults: _Defaults
    topics: dict[str, _One]


def load(path: Path, *, replication: int | None = None) -> tuple[Topic, ...]:
    """Return the topics that the file at `path` describes, by name; `replication` stands above the file's.

    With fewer copies than `min.insync.replicas` asks for nothing could be written: it is lowered to one less
    than there are, at least 1. `Misconfigured`: the file is missing or wrong, or lacks a topic that we need.
    """
    try:
        read = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError as fault:
        raise Misconfigured(_SETTING, f"there is no file {path}") from fault
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise Misconfigured(_SETTING, f"{path} is no TOML: {fault}") from fault
    except ValidationError as fault:
        first = fault.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise Misconfigured(_SETTING, f"{path}: {place}: {first['msg']}") from None
    if missing := sorted(set(TOPICS) - set(read.topics)):
        raise Misconfigured(_SETTING, f"{path}: {missing[0]} is missing")
    topics = [
        Topic(
            name=name,
            partitions=one.partitions,
            replication=one.replication or read.defaults.replication,
            config={**read.defaults.config, **one.config},
        )
        for name, one in sorted(read.topics.items())
    ]
    described = tuple(topic if replication is None else _with_copies(topic, replication) for topic in topics)
    for topic in described:
        if topic.config.get("cleanup.policy") != "delete":  # compaction leaves gaps in the offsets
            raise Misconfigured(_SETTING, f"{path}: {topic.name} must have cleanup.policy = delete")
    return described


async def create_topics(connection: KafkaConnection, topics: Sequence[Topic]) -> list[str]:
    """Make the topics that are missing and return their names; safe to repeat.

    `Misconfigured`: one that exists differs, or the brokers refuse one. `Transient`: no broker answers.
    """
    async with _Admin(connection) as admin:
        wanted = [
            NewTopic(topic.name, topic.partitions, topic.replication, topic_configs=dict(topic.config))
            for topic in topics
        ]
        answer = await admin.ask(admin.client.create_topics(wanted))
        made = []
        for name, code, *detail in answer.topic_errors:  # a failure is in here, never raised
            if code == 0:
                made.append(name)
            elif code != _TOPIC_EXISTS:
                said = detail[0] if detail and detail[0] else for_code(code).__name__
                raise Misconfigured(_SETTING, f"the brokers refuse the topic {name}: {said}")
        await admin.see([topic.name for topic in topics])
        existing = [topic for topic in topics if topic.name not in made]
        if found := await admin.differences(existing):
            raise Misconfigured(_SETTING, f"topics that exist differ: {'; '.join(found)}")
        return made


async def differences(connection: KafkaConnection, topics: Sequence[Topic]) -> list[str]:
    """Return how the brokers' topics differ from these, a sentence each; `Transient`: no broker answers."""
    async with _Admin(connection) as admin:
        return await admin.differences(topics)


async def missing(connection: KafkaConnection, names: Sequence[str]) -> list[str]:
    """Return which of these topics do not exist; `Transient`: no broker answers."""
    async with _Admin(connection) as admin:
        there = set(await admin.ask(admin.client.list_topics()))
        return [name for name in names if name not in there]


def _with_copies(topic: Topic, copies: int) -> Topic:
    asked = int(topic.config.get(_COPIES, "1"))
    least = min(asked, max(1, copies - 1))
    return replace(topic, replication=copies, config={**topic.config, _COPIES: str(least)})


class _Admin:
    """An administrator's connection, with its library's faults in our words."""

    def __init__(self, connection: KafkaConnection) -> None:
        self.client = AIOKafkaAdminClient(**connection.options())

    async def __aenter__(self) -> "_Admin":
        try:
            await self.ask(self.client.start())
        except Transient:
            await self.client.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()

    async def ask(self, question: Any) -> Any:
        try:
            return await question
        except (KafkaError, OSError) as fault:
            raise Transient(f"the brokers do not answer: {type(fault).__name__}") from fault

    async def see(self, names: Sequence[str]) -> None:
        """Wait until the brokers know what their controller has made: milliseconds, as a rule."""
        try:
            async with asyncio.timeout(_SEEN_WITHIN):
                while not set(names) <= set(await self.ask(self.client.list_topics())):  # noqa: ASYNC110  (no event to await)
                    await asyncio.sleep(_LOOK_EVERY)
        except TimeoutError as fault:
            raise Transient("the brokers do not know the new topics yet") from fault

    async def differences(self, topics: Sequence[Topic]) -> list[str]:
        described = {one["topic"]: one for one in await self.ask(self.client.describe_topics())}
        found = [f"{topic.name} does not exist" for topic in topics if topic.name not in described]
        there = [topic for topic in topics if topic.name in described]
        configs = await self._configs([topic.name for topic in there])
        for topic in there:
            partitions = described[topic.name]["partitions"]
            copies = min((len(one["replicas"]) for one in partitions), default=0)
            if len(partitions) != topic.partitions:
                found.append(f"{topic.name} has {len(partitions)} partitions, not {topic.partitions}")
            if copies != topic.replication:
                found.append(f"{topic.name} has {copies} copies, not {topic.replication}")
            found += [
                f"{topic.name} has {name}={configs[topic.name].get(name)}, not {value}"
                for name, value in sorted(topic.config.items())
                if configs[topic.name].get(name) != value
            ]
        return found

    async def _configs(self, names: Sequence[str]) -> dict[str, dict[str, str]]:
        if not names:
            return {}
        wanted = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        answers = await self.ask(self.client.describe_configs(wanted))
        return {
            resource[3]: {entry[0]: entry[1] for entry in resource[4]}
            for answer in answers
            for resource in answer.resources
        }
