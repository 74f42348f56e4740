"""The frame of the HTTP services: spans, faults, errors, and the paths that each of them has.

``/version`` and ``/health`` tell about the service; ``/control/<service>`` shows and switches versions
and faults (``DELETE`` undoes all; ``PUT {"version": "1.1", "faults": {"reserve": "delay:0.5", "get-stock": "none"}}``).
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from examples.shop import telemetry
from examples.shop.addresses import listening
from examples.shop.control import Control, FaultKind, UnknownSwitchError
from examples.shop.errors import ShopError
from examples.shop.process import Service

SERVICE = web.AppKey("service", Service)
CHECKS = web.AppKey("checks", dict[str, Callable[[], Awaitable[object]]])
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Operations = Mapping[str, tuple[str, str, Handler]]
"""Operation → method, path and handler; faults are switched by the operation's name."""


@asynccontextmanager
async def serving_http(
    service: Service, operations: Operations, checks: Mapping[str, Callable[[], Awaitable[object]]]
) -> AsyncIterator[None]:
    """Serve *operations* on the service's own address; *checks* are what its health depends on."""
    app = web.Application(middlewares=[_traced, _errors_as_json, _switched], client_max_size=1024 * 1024)
    app[SERVICE] = service
    app[CHECKS] = {"redis": service.redis.ping, **checks}
    for operation, (method, path, handler) in operations.items():
        app.router.add_route(method, path, handler, name=operation)
    app.router.add_get("/version", _version)
    app.router.add_get("/health", _health)
    app.router.add_get("/control/{service}", _show_control)
    app.router.add_put("/control/{service}", _switch_control)
    app.router.add_delete("/control/{service}", _reset_control)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5, handler_cancellation=True)
    await runner.setup()
    try:
        await web.TCPSite(runner, *listening(service.name), reuse_address=True).start()
        yield
    finally:
        await runner.cleanup()


async def json_object(request: web.BaseRequest) -> dict[str, Any]:
    """The JSON object in the body of *request*, or a 400."""
    try:
        body = json.loads(await request.read())
    except ValueError as error:
        raise ShopError(400, "invalid_json", f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise ShopError(400, "invalid_json", "the body must be a JSON object")
    return body


@web.middleware
async def _traced(request: web.Request, handler: Handler) -> web.StreamResponse:
    operation = request.match_info.route.name
    if operation is None:
        return await handler(request)
    resource = request.match_info.route.resource
    route = resource.canonical if resource else request.path
    attributes = {"http.request.method": request.method, "http.route": route, "shop.operation": operation}
    with telemetry.server_span(f"{request.method} {route}", request.headers, attributes) as span:
        response = await handler(request)
        span.set_attribute("http.response.status_code", response.status)
        span.set_attribute("service.version", response.headers.get("Shop-Version", ""))
        if response.status >= 500:
            telemetry.failed(span, f"status {response.status}")
        return response


@web.middleware
async def _errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    log = request.app[SERVICE].log
    try:
        return await handler(request)
    except ShopError as error:
        if error.status >= 500:
            log.warning("refused", path=request.path, code=error.code, message=error.message)
        return web.json_response(error.as_json(), status=error.status)
    except web.HTTPException as error:
        refusal = ShopError(error.status, error.reason.lower().replace(" ", "_"), f"{request.method} {request.path}")
        return web.json_response(refusal.as_json(), status=error.status)
    except Exception as error:
        log.error("broken", path=request.path, exc_info=error)
        return web.json_response(ShopError(500, "internal_error", "something broke").as_json(), status=500)


@web.middleware
async def _switched(request: web.Request, handler: Handler) -> web.StreamResponse:
    operation = request.match_info.route.name
    if operation is None:
        return await handler(request)
    switches = await request.app[SERVICE].control.read()
    fault = switches.faults.get(operation)
    if fault is not None:
        await _before(request, fault.kind, fault.seconds)
    response = await _errors_as_json(request, handler)
    if fault is not None and fault.kind is FaultKind.MALFORMED and isinstance(response, web.Response):
        response = _malformed(response)
    response.headers["Shop-Version"] = switches.version
    return response


async def _before(request: web.Request, kind: FaultKind, seconds: float) -> None:
    if kind is FaultKind.DELAY:
        await asyncio.sleep(seconds)
    elif kind is FaultKind.ERROR:
        raise ShopError(500, "internal_error", "a fault is switched on")
    elif kind is FaultKind.LOST and request.transport is not None:
        request.transport.abort()
        raise ShopError(503, "lost", "a fault is switched on: the connection is cut without an answer")


def _malformed(response: web.Response) -> web.Response:
    text = response.text or "{}"
    return web.Response(text=text[: max(1, len(text) // 2)], status=response.status, content_type="application/json")


async def _version(request: web.Request) -> web.Response:
    service = request.app[SERVICE]
    return web.json_response({"service": service.name, "version": (await service.control.read()).version})


async def _health(request: web.Request) -> web.Response:
    results: dict[str, str] = {}
    for name, check in request.app[CHECKS].items():
        try:
            await asyncio.wait_for(check(), 2)
            results[name] = "ok"
        except Exception as error:  # noqa: BLE001 - health tells of any failure instead of failing itself
            results[name] = f"{type(error).__name__}"
    healthy = all(result == "ok" for result in results.values())
    body = {"service": request.app[SERVICE].name, "status": "ok" if healthy else "failing", "checks": results}
    return web.json_response(body, status=200 if healthy else 503)


def _control(request: web.Request) -> Control:
    try:
        return Control(request.app[SERVICE].redis, request.match_info["service"])
    except UnknownSwitchError as error:
        raise ShopError(404, "unknown_service", str(error)) from error


async def _show_control(request: web.Request) -> web.Response:
    return web.json_response((await _control(request).read()).as_json())


async def _switch_control(request: web.Request) -> web.Response:
    control = _control(request)
    body = await json_object(request)
    try:
        if "version" in body:
            await control.set_version(str(body["version"]))
        for operation, fault in dict(body.get("faults", {})).items():
            await control.set_fault(operation, str(fault))
    except (UnknownSwitchError, TypeError, ValueError) as error:
        raise ShopError(422, "unknown_switch", str(error)) from error
    request.app[SERVICE].log.info("switched", target=request.match_info["service"], switches=json.dumps(body))
    return web.json_response((await control.read()).as_json())


async def _reset_control(request: web.Request) -> web.Response:
    control = _control(request)
    await control.reset()
    return web.json_response((await control.read()).as_json())
