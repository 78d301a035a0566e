"""Commands that are imported when they are called: the list of all of them loads none.

A health check every few seconds, and the start of the relay, must not pay for what other commands need.
"""

from collections.abc import Iterable
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group


class Later(TyperCommand):
    """The place of a command, or of a group of them: its name, and its sentence in the list of all."""

    def __init__(self, name: str, place: str, sentence: str) -> None:
        super().__init__(name, help=sentence)
        self._command, self._place = name, place

    def loaded(self) -> TyperCommand | TyperGroup:
        """Import the command from its place in `services.commands`, `module:name`, and return it."""
        module, _, name = self._place.partition(":")
        found = getattr(import_module(f"services.commands.{module}"), name)
        holder = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        if isinstance(found, typer.Typer):
            holder.add_typer(found, name=self._command)
        else:
            holder.command(self._command)(found)
        made = get_group(holder).commands[self._command]
        assert isinstance(made, TyperCommand | TyperGroup)
        return made

    def make_context(self, *arguments: Any, **options: Any) -> Any:
        """Load the command and let it read its arguments; the context is its own, and so what runs."""
        return self.loaded().make_context(*arguments, **options)


def group_of(commands: Iterable[Later]) -> type[TyperGroup]:
    """Return a group of these commands, in their order, for `typer.Typer(cls=...)`."""
    held = {command.name: command for command in commands}

    class Group(TyperGroup):
        def __init__(self, **options: Any) -> None:
            super().__init__(**{**options, "commands": held})

    return Group
