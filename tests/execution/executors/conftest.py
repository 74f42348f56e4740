from tests.execution.executors.servers.databases import database_url, redis_url  # noqa: F401
from tests.execution.executors.servers.grpc_server import grpc_server, grpc_tls_server, messages  # noqa: F401
from tests.execution.executors.servers.http import authority, http_server, raw_server  # noqa: F401
