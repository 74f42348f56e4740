"""``@somebody`` in a comment: by the part of the e-mail address before the @, or by name without blanks."""

import re
from collections.abc import Iterable

from apps.accounts.models import User

# Code is not searched: annotations and addresses in it are no mentions.
_CODE = re.compile(r"(```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]*`)", re.DOTALL)
_HANDLE = re.compile(r"(?<![\w@/.])@([\w][\w.+-]*)")


def handles(user: User) -> set[str]:
    """Words by which *user* may be mentioned, in lower case."""
    words = user.name.lower().split()
    return {user.email.split("@")[0].lower(), "".join(words), ".".join(words), "-".join(words)} - {""}


def mentioned(text: str, members: Iterable[User]) -> list[User]:
    """Members whom *text* names; a first name is enough where only one member has it."""
    known = _known(list(members))
    named = sorted({_plain(match.group(1)) for part in _prose(text) for match in _HANDLE.finditer(part)})
    found = {known[name].pk: known[name] for name in named if name in known}
    return list(found.values())


def emphasised(text: str, users: Iterable[User]) -> str:
    """Markdown *text* with the mentions of *users* in bold, code left alone."""
    known = _known(list(users))

    def bold(match: re.Match[str]) -> str:
        return f"**{match.group(0)}**" if _plain(match.group(1)) in known else match.group(0)

    parts = _CODE.split(text)
    return "".join(part if index % 2 else _HANDLE.sub(bold, part) for index, part in enumerate(parts))


def _known(people: list[User]) -> dict[str, User]:
    known = {handle: user for user in people for handle in handles(user)}
    firsts = [_first_name(user) for user in people]
    for user in people:
        if firsts.count(_first_name(user)) == 1:
            known.setdefault(_first_name(user), user)
    known.pop("", None)
    return known


def _first_name(user: User) -> str:
    return next(iter(user.name.lower().split()), "")


def _plain(handle: str) -> str:
    return handle.lower().rstrip(".-+")


def _prose(text: str) -> list[str]:
    return _CODE.split(text)[::2]
