"""No start takes a port that somebody else has, and keeps its own where it can."""

from pathlib import Path
from threading import Timer

from integhub.runtime.ports import KEPT_PORTS, is_free, keep, listen, listen_from


def test_a_taken_port_gives_the_next_free_one(tmp_path: Path) -> None:
    wanted = keep(tmp_path / "ports.json", ["web"])["web"]
    with listen(wanted), listen_from(wanted) as second:
        assert wanted < second.getsockname()[1] <= wanted + 99


def test_a_free_port_is_given_as_wanted(tmp_path: Path) -> None:
    wanted = keep(tmp_path / "ports.json", ["web"])["web"]
    with listen_from(wanted) as listener:
        assert listener.getsockname()[1] == wanted
        assert not is_free(wanted)


def test_a_port_that_is_being_given_back_is_waited_for(tmp_path: Path) -> None:
    wanted = keep(tmp_path / "ports.json", ["web"])["web"]
    holder = listen(wanted)
    giving_back = Timer(0.2, holder.close)
    giving_back.start()
    with listen_from(wanted, patience=30) as listener:
        assert listener.getsockname()[1] == wanted
    giving_back.join()


def test_kept_ports_stay_the_same_from_start_to_start(tmp_path: Path) -> None:
    first = keep(tmp_path / "ports.json", ["postgres", "redis"])
    assert keep(tmp_path / "ports.json", ["postgres", "redis"]) == first
    assert len(set(first.values())) == 2
    assert all(port in KEPT_PORTS for port in first.values())


def test_a_kept_port_that_was_taken_meanwhile_is_replaced(tmp_path: Path) -> None:
    first = keep(tmp_path / "ports.json", ["postgres", "redis"])
    with listen(first["postgres"]):
        second = keep(tmp_path / "ports.json", ["postgres", "redis"])
    assert second["postgres"] != first["postgres"]
    assert second["redis"] == first["redis"]


def test_a_damaged_memory_of_ports_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text("{")
    assert keep(tmp_path / "ports.json", ["redis"])["redis"] in KEPT_PORTS
