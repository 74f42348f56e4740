"""A word that one process gives to all of its children."""

import os
import select


class Word:
    """Given once, and heard by every process that was forked since. Unlike an event of ``multiprocessing`` it has no
    lock, which a process that ends at the wrong moment would hold for ever; may be given in a signal handler."""

    def __init__(self) -> None:
        self._heard, self._given = os.pipe()

    def set(self) -> None:
        """Give it."""
        os.write(self._given, b".")

    def wait(self, seconds: float) -> bool:
        """Whether it was given, at the latest *seconds* from now. Nobody reads it, so that all hear it."""
        return bool(select.select([self._heard], [], [], seconds)[0])

    def is_set(self) -> bool:
        """Whether it was given."""
        return self.wait(0)
