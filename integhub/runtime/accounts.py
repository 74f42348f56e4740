"""Which account PostgreSQL runs under: it refuses to be root.

For root it runs as ``nobody``, or as the owner of the data folder. Where the clone lies below a folder that
only root may enter (``/root``), opening that folder to everybody would be wrong; instead PostgreSQL is given
the one capability to pass (``CAP_DAC_OVERRIDE``), which root has anyway. Nothing leaves the clone.
"""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from integhub.runtime.progress import Failure

# PostgreSQL looks at its own program with access(2), which ignores capabilities of a process that is not
# root unless this bit is set.
PASSING = ("--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--securebits=+no_setuid_fixup")


@dataclass(frozen=True)
class Account:
    """How to run a program as PostgreSQL's account; *uid* is None when that is who we are already."""

    uid: int | None = None
    gid: int | None = None
    prefix: tuple[str, ...] = ()

    def command(self, *words: str | Path) -> list[str]:
        """The command line that runs *words* as this account."""
        return [*self.prefix, *(str(word) for word in words)]

    def own(self, path: Path) -> None:
        """Give *path* to this account."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)


def account_for(data: Path, program: Path) -> Account:
    """The account under which *program* may work on the folder *data* (which need not exist yet)."""
    owner = data.stat().st_uid if data.exists() else os.geteuid()
    if os.geteuid() != 0:
        if owner != os.geteuid():
            raise Failure(f"{data} belongs to another account (an earlier start as root?): change its owner.")
        return Account()
    person = pwd.getpwuid(owner) if owner != 0 else pwd.getpwnam("nobody")
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise Failure("PostgreSQL does not run as root, and setpriv (util-linux) is not there to become another.")
    drop = (setpriv, f"--reuid={person.pw_uid}", f"--regid={person.pw_gid}", "--clear-groups")
    for prefix in (drop, drop + PASSING):
        account = Account(person.pw_uid, person.pw_gid, prefix)
        if _can_reach(account, data.parent, program):
            return account
    raise Failure(
        f"PostgreSQL runs as {person.pw_name} because it refuses root, and that account may not enter {data.parent}."
        "\nUse a clone in a folder that others may enter, an ordinary account, or a DATABASE_URL."
    )


def _can_reach(account: Account, folder: Path, program: Path) -> bool:
    look: list[str | Path] = ["/bin/sh", "-c", 'cd "$1" && "$2" --version', "sh", folder, program]
    seen = subprocess.run(account.command(*look), capture_output=True, text=True, cwd="/", check=False)
    return seen.returncode == 0 and not seen.stderr
