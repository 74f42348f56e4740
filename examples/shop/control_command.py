"""The command line of the switches: ``python -m examples.shop control …``."""

import asyncio
import json

from redis.asyncio import Redis

from examples.shop.addresses import required
from examples.shop.catalogue import SERVICES
from examples.shop.control import Control, UnknownSwitchError

USAGE = """usage: python -m examples.shop control show
       python -m examples.shop control reset [SERVICE]
       python -m examples.shop control SERVICE version VERSION
       python -m examples.shop control SERVICE fault OPERATION (delay[:SECONDS]|error|lost|malformed|none)"""


def run(arguments: list[str]) -> int:
    """Carry out *arguments*, print the switches afterwards, and return the exit code."""
    try:
        print(json.dumps(asyncio.run(_switch(arguments)), indent=2))
    except UnknownSwitchError as error:
        print(f"{error}\n{USAGE}")
        return 2
    return 0


async def _switch(arguments: list[str]) -> dict[str, object]:
    async with Redis.from_url(required("SHOP_REDIS_URL"), decode_responses=True) as redis:
        await _apply(redis, arguments)
        return {name: (await Control(redis, name).read()).as_json() for name in SERVICES}


async def _apply(redis: Redis, arguments: list[str]) -> None:
    match arguments:
        case ["show"]:
            pass
        case ["reset"]:
            for name in SERVICES:
                await Control(redis, name).reset()
        case ["reset", service]:
            await Control(redis, service).reset()
        case [service, "version", version]:
            await Control(redis, service).set_version(version)
        case [service, "fault", operation, fault]:
            await Control(redis, service).set_fault(operation, fault)
        case _:
            raise UnknownSwitchError(f"cannot read: control {' '.join(arguments)}")
