"""Which addresses steps may reach."""

import asyncio

import pytest

from apps.execution.engine.egress import EgressDenied, EgressPolicy


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254", "169.254.0.1", "0.0.0.0", "224.0.0.1", "100.100.100.200", "168.63.129.16", "fe80::1",
        "fe80::1%eth0", "fd00:ec2::254", "::", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1",
        "64:ff9b:1::a9fe:a9fe", "2001:0:1:1:1:1:5601:5601",
        "::169.254.169.254", "not an address", "",
    ],
)  # fmt: skip
def test_metadata_and_link_local_are_denied_by_default(address: str) -> None:
    assert not EgressPolicy.of().permits(address)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "93.184.216.34", "2606:4700::1"])
def test_ordinary_addresses_are_permitted(address: str) -> None:
    assert EgressPolicy.of().permits(address)


def test_what_is_allowed_wins_over_what_is_denied() -> None:
    policy = EgressPolicy.of(deny=["10.0.0.0/8"], allow=["10.1.0.0/16", "169.254.169.254"])
    assert policy.permits("10.1.2.3")
    assert not policy.permits("10.2.2.3")
    assert policy.permits("169.254.169.254")


def test_only_what_is_allowed_may_be_reached_when_asked_for() -> None:
    policy = EgressPolicy.of(allow=["10.1.0.0/16"], only_allowed=True)
    assert policy.permits("10.1.2.3")
    assert not policy.permits("127.0.0.1")


def test_networks_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        EgressPolicy.of(deny=["nonsense"])


def test_names_are_resolved_to_permitted_addresses_only() -> None:
    assert "127.0.0.1" in asyncio.run(EgressPolicy.of().resolve("localhost", 80))
    with pytest.raises(EgressDenied, match="localhost"):
        asyncio.run(EgressPolicy.of(deny=["127.0.0.0/8", "::1/128"]).resolve("localhost", 80))
    with pytest.raises(OSError, match=r".+"):
        asyncio.run(EgressPolicy.of().resolve("no-such-host.invalid", 80))
