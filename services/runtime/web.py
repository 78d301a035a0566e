"""The HTTP application of a process: every call and page over the ports that it is given."""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import make_msgid
from functools import partial
from importlib.metadata import version
from ipaddress import ip_address
from typing import Protocol

from fastapi import APIRouter
from prometheus_client import CollectorRegistry
from pydantic import HttpUrl
from starlette.types import ASGIApp

from schemas.alerts import Alert
from schemas.classifications import Classification
from services.classify.api import Merges, dry_run_routes, merge_routes, review_routes
from services.classify.reviewing import Reviews
from services.http.application import build_application
from services.http.authentication import Authenticator
from services.http.forms import Seals
from services.http.health import Check
from services.http.limits import Quota
from services.http.reading import Reading
from services.http.sessions import Sessions
from services.ingest.api import Reaches, posting_routes, reading_routes
from services.ingest.service import Amending, Ingest, parse
from services.metrics.api import Refresh, metrics_routes
from services.notify.api import notification_routes
from services.notify.channels.describing import described_webhooks
from services.notify.channels.sending import Mail
from services.notify.inbox import Inbox
from services.notify.links import LinkKeys
from services.notify.mime import build_plain
from services.notify.pages.alerts import alert_routes
from services.notify.pages.answering import answering_routes
from services.notify.pages.listing import listing_routes
from services.notify.pages.signing_in import signing_in_routes
from services.notify.pages.telling import Teller
from services.notify.pages.view import View
from services.notify.pages.words import Words, code_letter, load_words
from services.notify.voice import Places
from services.reference.catalogue import Catalogue
from services.reference.terms import Terms
from services.runtime.settings import Settings
from services.storage.ports import Audit, Keys, Receipts, SignIns, Threads
from services.storage.records import Directory
from services.storage.review_records import Reconsider

VERSION = version("early-warning-relay")


class DeliveriesPort(Inbox, Reaches, Protocol):
    """What calls and pages ask of the deliveries."""


class ThreadsPort(Threads, Amending, Protocol):
    """What calls and pages ask of the threads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """What the application is built over."""

    settings: Settings
    receipts: Receipts
    threads: ThreadsPort
    reviews: Reviews
    merges: Merges
    deliveries: DeliveriesPort
    keys: Keys
    sign_ins: SignIns
    audit: Audit
    directory: Callable[[], Awaitable[Directory]]
    classify: Callable[[Alert], Classification]
    reconsider: Reconsider
    catalogue: Catalogue
    mail: Mail
    link_keys: LinkKeys
    terms: Terms
    places: Places
    registry: CollectorRegistry
    refresh: Refresh
    checks: Sequence[Check]
    clock: Callable[[], datetime]


def application(web: Web) -> ASGIApp:
    """Return the application."""
    url = str(web.settings.http.public_url)
    quota = Quota(requests=web.settings.http.requests_per_minute, window=timedelta(minutes=1))
    authenticator = Authenticator(web.keys, quota=quota, clock=web.clock, ticks=time.monotonic)
    reading = Reading(web.threads, directory=web.directory, audit=web.audit, clock=web.clock)
    ingest = Ingest(web.receipts, web.threads, directory=web.directory, clock=web.clock, public_url=url)
    calls = (
        posting_routes(ingest, authenticator),
        reading_routes(
            web.receipts,
            web.threads,
            web.deliveries,
            reading=reading,
            authenticator=authenticator,
            public_url=url,
        ),
        notification_routes(
            web.deliveries,
            web.threads,
            reading=reading,
            authenticator=authenticator,
            directory=web.directory,
            clock=web.clock,
            public_url=url,
        ),
        dry_run_routes(
            web.classify,
            terms=web.terms,
            parse=lambda body: parse(body, now=web.clock()),
            authenticator=authenticator,
        ),
        review_routes(
            web.reviews,
            web.threads,
            catalogue=web.catalogue,
            reconsider=web.reconsider,
            reading=reading,
            authenticator=authenticator,
            clock=web.clock,
        ),
        merge_routes(web.merges, authenticator=authenticator, clock=web.clock),
    )
    own_port = web.settings.http.metrics_port is not None
    metrics = () if own_port else (metrics_routes(web.registry, refresh=web.refresh),)
    return build_application(
        *calls,
        *_pages(web, reading=reading),
        *metrics,
        version=VERSION,
        checks=web.checks,
        webhooks=described_webhooks(),
        trusted_proxies=[str(network) for network in web.settings.http.trusted_proxies],
    )


def metrics_application(registry: CollectorRegistry, *, refresh: Refresh, checks: Sequence[Check]) -> ASGIApp:
    """Return the application of the port that only Prometheus reaches."""
    return build_application(metrics_routes(registry, refresh=refresh), version=VERSION, checks=checks)


def _pages(web: Web, *, reading: Reading) -> tuple[APIRouter, ...]:
    url = str(web.settings.http.public_url)
    words = load_words()
    view = View(words, public_url=url)
    teller = Teller(terms=web.terms, places=web.places)
    seals = Seals(web.link_keys.keys[web.link_keys.current])
    sessions = Sessions(
        web.sign_ins,
        directory=web.directory,
        send_code=partial(_send_code, web.mail, words, web.settings),
        clock=web.clock,
        ticks=time.monotonic,
        secure=not _local(web.settings.http.public_url),
    )
    return (
        answering_routes(
            web.deliveries,
            web.threads,
            reading=reading,
            directory=web.directory,
            keys=web.link_keys,
            view=view,
            teller=teller,
            seals=seals,
            clock=web.clock,
            ticks=time.monotonic,
        ),
        alert_routes(
            web.deliveries,
            web.threads,
            reading=reading,
            sessions=sessions,
            view=view,
            teller=teller,
            seals=seals,
            clock=web.clock,
        ),
        listing_routes(
            web.threads,
            reading=reading,
            sessions=sessions,
            view=view,
            teller=teller,
            seals=seals,
            clock=web.clock,
        ),
        signing_in_routes(sessions, view=view, seals=seals, clock=web.clock),
    )


async def _send_code(
    mail: Mail, words: Words, settings: Settings, address: str, code: str, language: str
) -> None:
    subject, text = code_letter(words, code=code, language=language, minutes=10)
    message = build_plain(
        subject,
        text,
        sender=settings.email.sender,
        to=address,
        reply_to=settings.email.reply_to,
        language=language,
        message_id=make_msgid(domain=settings.http.public_url.host or "localhost"),
        at=datetime.now(UTC),
    )
    await mail.send(address, message)


def _local(url: HttpUrl) -> bool:
    """Return whether readers reach the relay by plain http on this host: cookies need no TLS there."""
    if url.scheme == "https":
        return False
    host = (url.host or "").strip("[]")
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
