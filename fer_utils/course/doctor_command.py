"""`fer doctor`: is this machine ready, and what is to be done if not?"""

from __future__ import annotations

import json

__all__ = ["add_doctor_command"]


def add_doctor_command(commands) -> None:
    """Add `fer doctor` to the command line; it exits with 1 if something is broken.

    Args:
        commands: what `ArgumentParser.add_subparsers` returned.
    """
    text = "is everything here that the lessons and runs need?"
    doctor = commands.add_parser("doctor", help=text)
    add = doctor.add_argument
    add("--json", action="store_true", help="everything, for a bug report")
    add(
        "--timeout",
        type=float,
        default=60,
        metavar="SECONDS",
        help="give up on a check after (default: 60)",
    )
    doctor.set_defaults(call=_doctor)


def _doctor(options) -> int:
    from fer_utils.course.doctor import examine

    diagnosis = examine(timeout=options.timeout)
    if options.json:
        print(json.dumps(diagnosis.to_dict(), indent=1, ensure_ascii=False))
    else:
        print(diagnosis)
    return 0 if diagnosis.ok else 1
