from tests.execution.executors.browsing import browsing  # noqa: F401
from tests.execution.executors.servers.databases import database_url, redis_url  # noqa: F401
from tests.execution.executors.servers.grpc_server import grpc_server, grpc_tls_server, messages  # noqa: F401
from tests.execution.executors.servers.http import authority, http_server, raw_server  # noqa: F401
from tests.execution.executors.servers.mariadb import mariadb  # noqa: F401
from tests.execution.executors.servers.mosquitto import mosquitto  # noqa: F401
from tests.execution.executors.servers.pages import _site, chromium_path, site  # noqa: F401
from tests.execution.executors.servers.postgresql_tls import postgres_tls  # noqa: F401
from tests.execution.executors.servers.rabbitmq import rabbitmq  # noqa: F401
from tests.execution.executors.servers.web import (  # noqa: F401
    cookie_url,
    http2_server,
    mutual_url,
    proxy,
    socks_proxy,
    streams,
    thread,
)
from tests.execution.executors.servers.websockets import socket_server  # noqa: F401
