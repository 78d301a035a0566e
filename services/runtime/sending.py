"""What a process sends with: the mail server, webhooks, and the notifier's sender over both."""

from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from services.notify.channels.address_guard import AddressGuard
from services.notify.channels.email_smtp import SmtpChannel, SmtpServer
from services.notify.channels.mailing import mail_renderer
from services.notify.channels.sending import Addressing, Channels, Renderers, Sender
from services.notify.channels.webhook import WebhookChannel
from services.notify.dispatch import MARGIN
from services.notify.links import LinkKeys
from services.notify.webhook_body import render_webhook
from services.reference import places
from services.reference.terms import Terms
from services.runtime.secrets_file import Secrets
from services.runtime.settings import Settings
from services.runtime.together import refuse_open_login
from services.storage import documents
from services.storage.deliveries import LedgerDeliveries
from services.storage.ports import Executor
from services.storage.webhook_secrets import LedgerSecrets, SecretBox

_OF_CLAIM: Final = 0.4  # two steps' time is the most that an attempt takes, and some is spent around it


def mail_channel(settings: Settings, *, claims_end_after: timedelta) -> SmtpChannel:
    """Return the channel to the mail server; `Misconfigured` for a login that would be readable on the way.

    It gives up before the claim on what it sends ends: only then is a server that never answers known to be at fault.
    """
    email = settings.email
    smtp = SmtpServer(
        host=email.host,
        port=email.port,
        tls=email.tls,
        username=email.username,
        password=email.password.get_secret_value() if email.password else None,
    )
    refuse_open_login(settings)
    timeout = min(email.timeout, (claims_end_after - MARGIN) * _OF_CLAIM)
    return SmtpChannel(smtp, sender=email.sender, timeout=timeout, connections=email.connections)


async def sender_over(
    deliveries: LedgerDeliveries,
    *,
    settings: Settings,
    secrets: Secrets,
    executor: Executor,
    mail: SmtpChannel,
    terms: Terms,
    keys: LinkKeys,
    stack: AsyncExitStack,
) -> Sender:
    """Return the notifier's sender; what it opens is closed with `stack`."""
    guard = AddressGuard([str(network) for network in settings.notify.allow_networks])
    webhook = await stack.enter_async_context(WebhookChannel(guard, timeout=settings.notify.webhook_timeout))
    url = str(settings.http.public_url).rstrip("/")
    email = mail_renderer(
        terms=terms,
        places=places,
        domain=urlsplit(url).hostname or "localhost",
        sender=settings.email.sender,
        reply_to=settings.email.reply_to,
    )
    return Sender(
        deliveries,
        LedgerSecrets(executor, SecretBox([key.decode() for key in secrets.at_rest])),
        Channels(webhook=webhook, email=mail),
        Renderers(
            webhook=partial(render_webhook, terms=terms, places=places, text_of=documents.text_of),
            email=email,
        ),
        addressing=Addressing(base_url=url, keys=keys),
    )
