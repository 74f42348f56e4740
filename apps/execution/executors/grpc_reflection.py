"""Types of a gRPC server, asked for by server reflection."""

import grpc
import grpc.aio
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import MethodDescriptor
from grpc_reflection.v1alpha import reflection_pb2

from apps.execution.executors.base import StepBlocked
from apps.execution.executors.grpc_types import Types, well_known

# The two versions differ in nothing but their name.
_PATHS = tuple(f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo" for version in ("v1alpha", "v1"))
# What grpc.aio says instead of the status when the server ends a call before our first write.
_LOST_RACE = "Internal error from Core"
_TRIES = 5


class Reflection(Types):
    """The services of one server; what was learned is kept."""

    whose = "the server has"

    def __init__(self, channel: grpc.aio.Channel) -> None:
        super().__init__()
        self._channel = channel
        self._path = _PATHS[0]

    async def method(self, name: str) -> MethodDescriptor:
        """The method ``package.Service/Method``. Raises ``StepBlocked`` or ``grpc.aio.AioRpcError``."""
        if name not in self.known:
            service, _short = self.parts(name)
            await self._learn(service)
            self.known[name] = self.find(name)
        return self.known[name]

    async def _learn(self, service: str) -> None:
        """Add the file of *service*, and every file it needs, to the pool."""
        request = reflection_pb2.ServerReflectionRequest(file_containing_symbol=service)
        files = await self._ask(request, f"the server has no service “{service}”")
        known = {file.name: file for file in files}
        todo = [name for file in files for name in file.dependency]
        while todo:
            name = todo.pop()
            if name in known or name in self.files:
                continue
            for file in await self._file(name):
                known[file.name] = file
                todo += file.dependency
        self.add(known)

    async def _file(self, name: str) -> list[descriptor_pb2.FileDescriptorProto]:
        if (own := well_known(name)) is not None:
            return [own]
        request = reflection_pb2.ServerReflectionRequest(file_by_filename=name)
        return await self._ask(request, f"the server does not tell its file {name}")

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
