"""What each service offers to be switched: its versions, and the operations that can be made to fail.

The default of ``inventory`` is the faulty 1.1 on purpose: the demo's story begins with it deployed.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ServiceCard:
    """Versions that a service can behave as, the one it starts with, and its operations."""

    versions: tuple[str, ...]
    default: str
    operations: tuple[str, ...]


SERVICES: Mapping[str, ServiceCard] = {
    "storefront": ServiceCard(("1.0",), "1.0", ("product", "checkout", "order", "cancel", "graphql")),
    "orders": ServiceCard(
        ("1.0",),
        "1.0",
        ("create-order", "get-order", "cancel-order", "product", "payment-webhook", "publish-event"),
    ),
    "inventory": ServiceCard(
        ("1.0", "1.1", "1.2"), "1.1", ("get-stock", "restock", "reserve", "release", "get-version")
    ),
    "payments": ServiceCard(("1.0", "2.0"), "1.0", ("create-charge", "get-charge", "refund-charge", "send-webhook")),
    "notifier": ServiceCard(("1.0",), "1.0", ("send-mail", "mailbox", "empty-mailbox")),
}
