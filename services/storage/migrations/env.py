"""Runs the migrations on the connection that the caller brings; there is no offline mode."""

from collections.abc import Collection, Mapping
from typing import Any

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo
from alembic.script import Script

from services.storage import migrations
from services.storage.tables import metadata


def _applied(
    ctx: MigrationContext,
    step: MigrationInfo,
    heads: Collection[Any],  # noqa: ARG001  # Alembic gives all four by name
    run_args: Mapping[str, Any],  # noqa: ARG001
) -> None:
    """Record what a `post` migration ends, in its transaction."""
    done = step.up_revision
    assert isinstance(done, Script)
    assert ctx.connection is not None  # there is no offline mode
    if done.module.phase == "post":
        oldest = getattr(done.module, "oldest_code", done.revision)
        migrations.end_code_before(ctx.connection, revision=oldest)


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transaction_per_migration=True,
    on_version_apply=_applied,
)
with context.begin_transaction():
    context.run_migrations()
