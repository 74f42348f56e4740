"""One case for each kind of step, with every field, operator and option; shared by tests of the editor."""

from typing import Any

HTTP: dict[str, Any] = {
    "name": "Place the order",
    "kind": "http",
    "timeout": 5,
    "optional": True,
    "with": {
        "method": "POST",
        "url": "{{ STOREFRONT }}/orders",
        "params": {"page": 2, "tag": ["a", "b"], "word": "true", "number": "7"},
        "headers": {"Idempotency-Key": "{{ uuid() }}", "X-Text": "plain"},
        "json": {"z": 1, "a": [1.5, None, True, "{{ quantity }}"], "nested": {"b": {}, "a": []}},
        "follow_redirects": True,
        "verify": False,
        "ca": "-----BEGIN\nxyz\n-----END",
    },
    "expect": [
        {"check": "status", "equals": 201},
        {"check": "header", "at": "Content-Type", "contains": "json"},
        {"check": "json", "at": "$.lines[*]", "count": 1},
        {"check": "json", "at": "$.total", "type": "integer"},
        {"check": "json", "schema": {"type": "object", "required": ["id"]}},
        {"check": "json", "at": "$.total", "approx": {"value": 12.5, "within": 0.5}},
        {"check": "json", "at": "$.note", "exists": False},
        {"check": "json", "at": "$.state", "one_of": ["placed", "paid", 3]},
        {"check": "json", "at": "$.id", "equals": "123"},
        {"check": "json", "at": "$.data", "equals": {"b": [1, "2"], "a": None}},
        {"check": "body", "at": "order (\\d+)", "matches": "^\\d+$", "not": True},
        {"check": "duration", "below": 500},
        {"check": "duration", "at_most": 499.5},
    ],
    "capture": {
        "order_id": {"from": "json", "at": "$.id"},
        "token": {"from": "header", "at": "X-Token", "secret": True},
    },
    "retry": {"for": 5, "every": 0.2},
}
HTTP_MULTIPART: dict[str, Any] = {
    "name": "Send files",
    "kind": "http",
    "with": {
        "method": "POST",
        "url": "http://s",
        "auth": {"username": "ann", "password": "{{ PASSWORD }}"},
        "multipart": [
            {"name": "note", "value": "one\ntwo"},
            {"name": "order", "json": {"b": 1, "a": ["{{ sku }}"]}},
            {"name": "photo", "base64": "iVBORw0=", "filename": "photo.png", "type": "image/png"},
        ],
        "cookies": False,
        "http_version": "2",
        "proxy": "{{ PROXY }}",
        "client": {"certificate": "{{ PEM }}", "key": "{{ KEY }}", "password": "x"},
    },
    "expect": [
        {"check": "version", "equals": "2"},
        {"check": "redirects", "count": 0},
    ],
}
HTTP_STREAM: dict[str, Any] = {
    "name": "Listen",
    "kind": "http",
    "with": {
        "url": "http://s/events",
        "auth": {"bearer": "{{ token }}"},
        "stream": {"count": 2, "until": "paid", "where": {"$.state": "paid", "n": 3}, "wait": 2.5},
    },
    "expect": [
        {"check": "events", "at": "$[0].json.state", "equals": "paid"},
        {"check": "first_event", "below": 500},
    ],
}
GRAPHQL = {
    "name": "Ask by GraphQL",
    "kind": "http",
    "with": {
        "url": "{{ STOREFRONT }}/graphql",
        "graphql": {"query": "query Q {\n  products { sku }\n}", "variables": {"first": 3}, "operation": "Q"},
    },
}
FORM = {
    "name": "Send a form",
    "kind": "http",
    "with": {"method": "POST", "url": "http://s", "form": {"a": "1", "b": 2}},
}
BODY = {"name": "Send text", "kind": "http", "with": {"method": "PUT", "url": "http://s", "body": "line one\nline two"}}
TEMPLATE_BODY = {"name": "Send a template", "kind": "http", "with": {"url": "http://s", "json": "{{ body }}"}}
SQL_NAMED = {
    "name": "By name",
    "kind": "sql",
    "with": {
        "url": "{{ ORDERS_DB }}",
        "query": "SELECT state\nFROM orders\nWHERE id = %(id)s",
        "params": {"id": "{{ order_id }}", "limit": 3},
    },
    "expect": [{"check": "row_count", "equals": 1}, {"check": "rows", "at": "$[0].state", "equals": "paid"}],
}
SQL_LISTED = {
    "name": "In order",
    "kind": "sql",
    "with": {
        "url": "{{ ORDERS_DB }}",
        "query": "SELECT %s, %s",
        "params": [1, "two"],
        "ca": "{{ CA }}",
        "client": {"certificate": "{{ PEM }}", "key": "{{ KEY }}"},
    },
}
REDIS_COMMAND = {
    "name": "A command",
    "kind": "redis",
    "with": {"url": "{{ REDIS }}", "command": ["XLEN", "orders", 5]},
    "expect": [{"check": "value", "at_least": 1}],
}
REDIS_STREAM = {
    "name": "A stream",
    "kind": "redis",
    "with": {
        "url": "{{ REDIS }}",
        "stream": {"key": "orders", "count": 5, "since": "1-0", "where": {"id": "{{ order_id }}"}, "decode": ["lines"]},
    },
}
WEBSOCKET: dict[str, Any] = {
    "name": "Talk",
    "kind": "websocket",
    "with": {
        "url": "{{ LIVE }}/orders",
        "headers": {"X-Text": "plain"},
        "auth": {"bearer": "{{ token }}"},
        "subprotocols": ["orders.v1", "2"],
        "exchange": [
            {"send": "hello\nthere"},
            {"json": {"subscribe": ["{{ order_id }}", 1, None]}},
            {"base64": "AAE="},
            {"receive": {"count": 2, "until": "paid", "where": {"$.state": ["paid", "packed"]}, "wait": 2.5}},
            {"receive": {}},
            {"closed": 5},
        ],
        "cookies": False,
        "verify": False,
        "ca": "{{ CA }}",
        "client": {"certificate": "{{ PEM }}"},
    },
    "expect": [
        {"check": "messages", "at": "$[*].json.state", "equals": ["paid"]},
        {"check": "status", "equals": 101},
        {"check": "header", "at": "X", "exists": False},
        {"check": "subprotocol", "equals": "orders.v1"},
        {"check": "close_code", "equals": 1000},
        {"check": "close_reason", "contains": "bye"},
    ],
}
WEBHOOK: dict[str, Any] = {
    "name": "It is told",
    "kind": "webhook",
    "with": {"name": "paid", "where": {"$.state": ["paid", 2], "X-Id": "7"}, "count": 2, "wait": 5, "settle": 0.5},
    "expect": [
        {"check": "calls", "at": "$[*].method", "equals": ["POST", "POST"]},
        {"check": "count", "equals": 2},
        {"check": "json", "at": "$.state", "equals": "paid"},
        {"check": "body", "contains": "paid"},
        {"check": "header", "at": "X-Signature", "equals": "{{ hmac_sha256(KEY, order_id) }}"},
    ],
}
GRPC = {
    "name": "Reserve",
    "kind": "grpc",
    "with": {
        "target": "{{ INVENTORY }}",
        "method": "shop.Inventory/Reserve",
        "message": {"sku": "{{ sku }}", "quantity": 2},
        "metadata": {"x-trace": "1"},
        "tls": True,
        "ca": "{{ CA }}",
    },
    "expect": [{"check": "status", "one_of": ["OK", "ABORTED"]}, {"check": "header", "at": "x", "exists": True}],
}
GRPC_CONVERSATION: dict[str, Any] = {
    "name": "Haggle",
    "kind": "grpc",
    "with": {
        "target": "{{ INVENTORY }}",
        "method": "shop.Inventory/Haggle",
        "exchange": [
            {"message": {"sku": "{{ sku }}", "offer": 2}},
            {"receive": {"where": {"state": "refused"}, "wait": 2.5}},
            {"message": {}},
            {"receive": {}},
            {"closed": 5},
        ],
        "stream": {"wait": 1},
    },
}
COMMAND_ARGV = {
    "name": "A program",
    "kind": "command",
    "with": {
        "argv": ["grep", "-r", "{{ order_id }}", "multi\nline"],
        "env": {"LANG": "C"},
        "stdin": "a\nb\n",
        "max_output": 1000,
    },
    "expect": [{"check": "exit_code", "above": 0}, {"check": "stdout", "matches": " two  spaces "}],
}
COMMAND_SHELL = {"name": "A script", "kind": "command", "with": {"shell": "set -e\necho one\n"}}
MANUAL = {
    "name": "Look",
    "kind": "manual",
    "with": {"instructions": "1. Open the **mail**\n2. Look", "expected": "It is there"},
    "expect": [{"check": "verdict", "equals": "passed"}],
}

LOOK = {
    "name": "Look until it is paid",
    "kind": "http",
    "when": "quantity > 1 and state is defined",
    "with": {"url": "http://s/orders"},
    "expect": [
        {"check": "json", "at": "$.total", "equals": 3},
        {"any": [{"check": "status", "equals": 201}, {"all": [{"check": "body", "contains": "x"}], "not": True}]},
        {"check": "xml", "at": "//order/@id", "count": 2},
    ],
    "retry": {
        "for": 5,
        "every": 0.25,
        "until": [{"check": "json", "at": "$.state", "one_of": ["paid", "lost"]}, {"check": "status", "below": 300}],
    },
}
WAIT = {"name": "Pause", "kind": "wait", "with": {"seconds": 0.5}}
SET = {
    "name": "Work out",
    "kind": "set",
    "with": {
        "values": {"total": "{{ 2 * 3 }}", "text": "7", "number": 7, "lines": [{"sku": "a", "n": None}], "no": False}
    },
    "expect": [{"check": "values", "at": "$.total", "equals": 6}],
}
REPEAT_EACH: dict[str, Any] = {
    "name": "Each",
    "kind": "repeat",
    "timeout": 20,
    "with": {
        "each": ["A1", {"sku": "B2"}, 3],
        "as": "sku",
        "steps": [WAIT, {**LOOK, "capture": {"id": {"from": "json"}}}],
    },
    "expect": [{"check": "passed", "equals": 3}],
    "capture": {"ids": {"from": "values", "at": "$.id"}},
}
REPEAT_TIMES: dict[str, Any] = {
    "name": "Again",
    "kind": "repeat",
    "with": {
        "each": "{{ skus }}",
        "steps": [{"name": "Once more", "kind": "repeat", "with": {"times": 2, "steps": [WAIT]}}],
    },
}
PARALLEL: dict[str, Any] = {
    "name": "Race",
    "kind": "parallel",
    "with": {"branches": [{"name": "Buyer", "count": 5, "steps": [LOOK, WAIT]}, {"steps": [SET]}]},
}

PUBLISH = {
    "name": "Tell",
    "kind": "publish",
    "with": {"url": "{{ BROKER }}", "exchange": "orders", "routing_key": "order.new", "json": {"id": 1}},
}
RECEIVE = {
    "name": "Hear",
    "kind": "receive",
    "with": {"url": "{{ BROKER }}", "from": "orders", "where": {"$.id": 1}, "count": 2, "settle": 0.5},
    "expect": [{"check": "messages", "at": "$[*].json.state", "in_order": ["new", "paid"]}],
}
MAIL = {
    "name": "The mail",
    "kind": "mail",
    "with": {"receive": {"to": "{{ mailbox('orders') }}", "subject": "Order"}},
    "capture": {"link": {"from": "text", "at": "https://example.test/x"}},
}

BROWSER: dict[str, Any] = {
    "name": "Buy in the browser",
    "kind": "browser",
    "with": {
        "actions": [
            {"open": "{{ SHOP_URL }}/mugs"},
            {"click": 'role=link "Blue mug"'},
            {"fill": {"at": "label=E-mail", "value": "ana@example.test"}},
            {"select": {"at": "label=Card", "option": "Visa"}},
            {"check": "label=As a gift"},
            {"uncheck": "css=.news"},
            {"press": {"key": "Enter", "at": "placeholder=Search"}},
            {"press": {"key": "Tab"}},
            {"hover": ".menu >> nth=0"},
            {"upload": {"at": "test_id=photo", "filename": "cat.txt", "text": "meow"}},
            {"wait_for": {"at": "text=Thank you", "state": "hidden"}},
            {"go": "back"},
            {"tab": 1},
        ],
        "wait": 2,
        "session": "clerk",
        "screenshot": "never",
        "trace": "always",
        "dialogs": "dismiss",
        "width": 390,
        "height": 800,
        "language": "es-ES",
        "verify": False,
    },
    "expect": [
        {"check": "text", "at": "test_id=total", "equals": "19.00 EUR"},
        {"check": "attribute", "at": "role=link Receipt @ href", "contains": ".pdf"},
        {"check": "visible", "at": "role=alert", "equals": False},
    ],
    "capture": {"order": {"from": "text", "at": "test_id=order"}},
}

STEPS = {
    "look": LOOK,
    "wait": WAIT,
    "set": SET,
    "repeat each": REPEAT_EACH,
    "repeat in repeat": REPEAT_TIMES,
    "parallel": PARALLEL,
    "http": HTTP,
    "multipart": HTTP_MULTIPART,
    "http stream": HTTP_STREAM,
    "graphql": GRAPHQL,
    "form": FORM,
    "body": BODY,
    "template body": TEMPLATE_BODY,
    "sql by name": SQL_NAMED,
    "sql in order": SQL_LISTED,
    "redis command": REDIS_COMMAND,
    "redis stream": REDIS_STREAM,
    "publish": PUBLISH,
    "receive": RECEIVE,
    "mail": MAIL,
    "websocket": WEBSOCKET,
    "browser": BROWSER,
    "webhook": WEBHOOK,
    "grpc": GRPC,
    "grpc conversation": GRPC_CONVERSATION,
    "argv": COMMAND_ARGV,
    "shell": COMMAND_SHELL,
    "manual": MANUAL,
}

EVERYTHING: dict[str, Any] = {
    "title": "Everything: a “case” with — odd characters",
    "description": "One\n\ntwo **three**",
    "priority": "critical",
    "tags": ["smoke", "checkout"],
    "timeout": 60,
    "setup": [{"name": "Make", "kind": "http", "with": {"url": "http://s/make"}}],
    "steps": list(STEPS.values()),
    "teardown": [{"name": "Cancel", "kind": "http", "with": {"method": "DELETE", "url": "http://s/orders"}}],
}
