from tests.execution.executors.servers.http import authority, http_server, raw_server  # noqa: F401
