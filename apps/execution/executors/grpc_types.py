"""Types of gRPC services: a pool of descriptors, filled by reflection or from what a step brings."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from apps.catalog.definition.protos import ProtoError, compile_protos, read_descriptors
from apps.execution.executors.base import StepBlocked


class Types:
    """Services and their methods. *known* are the methods that were asked for, *files* the names of those in the
    pool."""

    whose: ClassVar[str] = "the proto files have"

    def __init__(self) -> None:
        self.pool = descriptor_pool.DescriptorPool()
        self.known: dict[str, MethodDescriptor] = {}
        self.files: set[str] = set()

    async def method(self, name: str) -> MethodDescriptor:
        """The method ``package.Service/Method``. Raises ``StepBlocked``."""
        if name not in self.known:
            self.known[name] = self.find(name)
        return self.known[name]

    def parts(self, name: str) -> tuple[str, str]:
        """Service and method of ``package.Service/Method``. Raises ``StepBlocked``."""
        service, slash, short = name.strip("/").rpartition("/")
        if not slash:
            raise StepBlocked(f"the method “{name}” must be written as package.Service/Method")
        return service, short

    def find(self, name: str) -> MethodDescriptor:
        """Look for it in the pool. Raises ``StepBlocked``."""
        service, short = self.parts(name)
        try:
            found = self.pool.FindServiceByName(service)
        except KeyError:
            raise StepBlocked(f"{self.whose} no service “{service}”") from None
        method: MethodDescriptor | None = found.methods_by_name.get(short)
        if method is None:
            names = ", ".join(found.methods_by_name)
            raise StepBlocked(f"the service {service} has no method “{short}”; it has {names}")
        return method

    def add(self, files: Mapping[str, FileDescriptorProto]) -> None:
        """Add *files*, each after those it depends on."""
        for name in files:
            self._add(name, files)

    def _add(self, name: str, known: Mapping[str, FileDescriptorProto]) -> None:
        if name in self.files or name not in known:
            return
        self.files.add(name)
        for dependency in known[name].dependency:
            self._add(dependency, known)
        self.pool.Add(known[name])


def well_known(name: str) -> FileDescriptorProto | None:
    """The file *name* when it is one that comes with protobuf."""
    if not name.startswith("google/protobuf/"):
        return None
    found = FileDescriptorProto()
    try:
        descriptor_pool.Default().FindFileByName(name).CopyToProto(found)
    except KeyError:
        return None
    return found


async def stored(params: Mapping[str, Any]) -> Types | None:
    """The types that a step brings, in ``proto`` or ``descriptors``, if any. Raises ``StepBlocked``."""
    try:
        if params.get("descriptors"):
            return _of_descriptors(str(params["descriptors"]))
        if params.get("proto"):
            files = tuple((str(one["name"]), str(one["text"])) for one in params["proto"])
            return await asyncio.to_thread(_of_protos, files)
    except ProtoError as error:
        raise StepBlocked(f"with.proto cannot be compiled: {error}") from None
    except (ValueError, TypeError) as error:  # TypeError: what the pool says of files that contradict each other
        raise StepBlocked(f"with.descriptors cannot be used: {error}") from None
    return None


@lru_cache(32)
def _of_protos(files: tuple[tuple[str, str], ...]) -> Types:
    return _types(compile_protos(files).file)


@lru_cache(32)
def _of_descriptors(text: str) -> Types:
    found: FileDescriptorSet = read_descriptors(text)
    return _types(found.file)


def _types(files: Sequence[FileDescriptorProto]) -> Types:
    by_name = {file.name: file for file in files}
    for needed in [name for file in files for name in file.dependency]:
        if needed not in by_name:
            own = well_known(needed)
            if own is None:
                raise ValueError(f"the file {needed} is not among them (protoc needs --include_imports)")
            by_name[needed] = own
    types = Types()
    types.add(by_name)
    return types
