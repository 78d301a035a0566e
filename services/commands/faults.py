"""How a command ends: the exit status and one line on standard error for every fault that is expected."""

from collections.abc import Callable, Sequence

from services.commands.output import say
from services.errors import Invalid, Misconfigured, Transient

FAILED = 1  # what was asked for could not be done, or a check failed
USAGE = 2  # an argument or a setting is wrong; its name is in the message
OUT_OF_REACH = 75  # EX_TEMPFAIL of sysexits.h: the same call may succeed later


class Failed(Exception):
    """What was asked for could not be done; the message says why."""


def run(app: Callable[[Sequence[str]], None], arguments: Sequence[str]) -> int:
    """Run `app` and return the exit status; a fault in the code keeps its traceback."""
    try:
        app(arguments)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except Misconfigured as fault:
        say(f"relay: {fault}")
        return USAGE
    except Transient as fault:
        say(f"relay: {fault}; try again")
        return OUT_OF_REACH
    except (Failed, Invalid) as fault:
        say(f"relay: {fault}")
        return FAILED
    return 0
