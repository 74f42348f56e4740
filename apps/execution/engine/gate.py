"""Where branches wait for one another, so that they begin as close together as can be."""

import asyncio


class Gate:
    """Opens when each of *count* tickets has arrived or was given up; then all go on in one turn of the loop."""

    def __init__(self, count: int) -> None:
        self._missing = count
        self._open = asyncio.Event()
        self.passed: list[float] = []
        """When each went through, in seconds of the loop's clock."""

    def ticket(self) -> "Ticket":
        """The right to go through once."""
        return Ticket(self)

    def count_down(self) -> None:
        """One fewer to wait for."""
        self._missing -= 1
        if self._missing <= 0:
            self._open.set()

    async def wait(self) -> None:
        """Wait until it opens, and note when."""
        await self._open.wait()
        self.passed.append(asyncio.get_running_loop().time())

    @property
    def spread_ms(self) -> float:
        """Milliseconds between the first and the last that went through."""
        return round((max(self.passed) - min(self.passed)) * 1000, 3) if self.passed else 0.0


class Ticket:
    """One of those that a gate waits for."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._used = False

    async def arrive(self) -> bool:
        """Ready: wait for the others. True the first time; later calls do not wait."""
        if self._used:
            return False
        self._used = True
        self._gate.count_down()
        await self._gate.wait()
        return True

    def give_up(self) -> None:
        """It ends without having come so far: nobody needs to wait for it."""
        if not self._used:
            self._used = True
            self._gate.count_down()
