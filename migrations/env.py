"""How Alembic runs: on the connection it is given, for all our tables."""

from __future__ import annotations

from alembic import context

from migrations.migrate import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
