"""Types of a gRPC server, asked for by server reflection."""

import grpc
import grpc.aio
from google.protobuf import descriptor_pb2, descriptor_pool
from google.protobuf.descriptor import MethodDescriptor
from grpc_reflection.v1alpha import reflection_pb2

from apps.execution.executors.base import StepBlocked

# The two versions differ in nothing but their name.
_PATHS = tuple(f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo" for version in ("v1alpha", "v1"))
# What grpc.aio says instead of the status when the server ends a call before our first write.
_LOST_RACE = "Internal error from Core"
_TRIES = 5


class Reflection:
    """The services of one server; what was learned is kept."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._channel = channel
        self.pool = descriptor_pool.DescriptorPool()
        self._methods: dict[str, MethodDescriptor] = {}
        self._files: set[str] = set()
        self._path = _PATHS[0]

    async def method(self, name: str) -> MethodDescriptor:
        """The method ``package.Service/Method``. Raises ``StepBlocked`` or ``grpc.aio.AioRpcError``."""
        if name not in self._methods:
            service, slash, short = name.strip("/").rpartition("/")
            if not slash:
                raise StepBlocked(f"the method “{name}” must be written as package.Service/Method")
            self._methods[name] = await self._find(service, short)
        return self._methods[name]

    async def _find(self, service: str, short: str) -> MethodDescriptor:
        await self._learn(service)
        try:
            found = self.pool.FindServiceByName(service)
        except KeyError:
            raise StepBlocked(f"the server has no service “{service}”") from None
        method: MethodDescriptor | None = found.methods_by_name.get(short)
        if method is None:
            names = ", ".join(found.methods_by_name)
            raise StepBlocked(f"the service {service} has no method “{short}”; it has {names}")
        return method

    async def _learn(self, service: str) -> None:
        """Add the file of *service*, and every file it needs, to the pool."""
        request = reflection_pb2.ServerReflectionRequest(file_containing_symbol=service)
        files = await self._ask(request, f"the server has no service “{service}”")
        known = {file.name: file for file in files}
        todo = [name for file in files for name in file.dependency]
        while todo:
            name = todo.pop()
            if name in known or name in self._files:
                continue
            for file in await self._file(name):
                known[file.name] = file
                todo += file.dependency
        for name in list(known):
            self._add(name, known)

    async def _file(self, name: str) -> list[descriptor_pb2.FileDescriptorProto]:
        if name.startswith("google/protobuf/"):
            well_known = descriptor_pb2.FileDescriptorProto()
            try:
                descriptor_pool.Default().FindFileByName(name).CopyToProto(well_known)
            except KeyError:
                pass
            else:
                return [well_known]
        request = reflection_pb2.ServerReflectionRequest(file_by_filename=name)
        return await self._ask(request, f"the server does not tell its file {name}")

    def _add(self, name: str, known: dict[str, descriptor_pb2.FileDescriptorProto]) -> None:
        """Add a file after those it depends on."""
        if name in self._files or name not in known:
            return
        self._files.add(name)
        for dependency in known[name].dependency:
            self._add(dependency, known)
        self.pool.Add(known[name])

    async def _ask(
        self, request: reflection_pb2.ServerReflectionRequest, unknown: str
    ) -> list[descriptor_pb2.FileDescriptorProto]:
        response = await self._exchange(request)
        if response.HasField("error_response"):
            raise StepBlocked(f"{unknown}: {response.error_response.error_message}")
        raw = response.file_descriptor_response.file_descriptor_proto
        return [descriptor_pb2.FileDescriptorProto.FromString(part) for part in raw]

    async def _exchange(
        self, request: reflection_pb2.ServerReflectionRequest
    ) -> reflection_pb2.ServerReflectionResponse:
        for path in dict.fromkeys((self._path, *_PATHS)):
            for _try in range(_TRIES):
                try:
                    response = await self._exchange_over(path, request)
                except grpc.aio.AioRpcError as error:
                    if error.code() is grpc.StatusCode.UNIMPLEMENTED:
                        break
                    if error.details() != _LOST_RACE:
                        raise
                else:
                    self._path = path
                    return response
        raise StepBlocked("the server does not offer reflection, so its types are not known")

    async def _exchange_over(
        self, path: str, request: reflection_pb2.ServerReflectionRequest
    ) -> reflection_pb2.ServerReflectionResponse:
        stream = self._channel.stream_stream(
            path,
            request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
        )
        call = stream()
        try:
            await call.write(request)
            return await call.read()
        finally:
            call.cancel()
