"""The role that owns the ledger in the compose file: made by the script that is mounted there, on a real PostgreSQL."""

import os
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import Connection, make_url, select

from services.demo.postgresql_server import PostgresServer, installed
from services.storage.migrations import upgrade_by
from services.storage.tables import receipts
from tests.servers.postgresql import work

pytestmark = [pytest.mark.integration, pytest.mark.needs("postgresql")]

SCRIPT = Path(__file__).resolve().parents[2] / "deploy" / "postgres" / "relay.sql"
PASSWORD = "it's \\ new"


def psql(server: PostgresServer, *arguments: str | Path, user: str) -> str:
    program = Path(installed() or "").with_name("psql")
    place = ["-h", "127.0.0.1", "-p", str(server.port), "-U", user, "-d", "postgres", "-XAtq"]
    asked = subprocess.run(
        [program, *place, *arguments],
        env={**os.environ, "POSTGRES_PASSWORD": PASSWORD},
        capture_output=True,
        text=True,
        check=True,
    )
    return asked.stdout.strip()


@pytest.fixture
def server(own_postgresql: PostgresServer) -> PostgresServer:
    """As the image begins: one superuser, named `postgres`, with the password, and nothing else."""
    own_postgresql.execute("CREATE ROLE postgres LOGIN SUPERUSER PASSWORD 'first'")
    psql(own_postgresql, "-c", "ALTER ROLE relay RENAME TO bootstrap", user="postgres")
    psql(own_postgresql, "-f", SCRIPT, user="postgres")
    return own_postgresql


def test_the_owner_is_no_superuser_and_may_make_nothing_else(server: PostgresServer) -> None:
    powers = "rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls, rolpassword LIKE 'SCRAM-%'"
    assert psql(server, "-c", f"SELECT {powers} FROM pg_authid WHERE rolname = 'relay'", user="postgres") == (
        "f|f|f|f|f|t"
    )
    without = "SELECT rolpassword IS NULL FROM pg_authid WHERE rolname = 'postgres'"
    assert psql(server, "-c", without, user="postgres") == "t"


def test_the_owner_migrates_and_uses_the_ledger(server: PostgresServer) -> None:
    def unit(connection: Connection) -> list[str]:
        return list(connection.execute(select(receipts.c.id)).scalars())

    url = server.url("relay")
    assert make_url(url).username == "relay"
    work(url, upgrade_by)
    assert work(url, unit) == []
