"""What the suites of the ports share."""

from tests.ledger import relay as relay
