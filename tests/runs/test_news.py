"""What a page hears of a run is folded: each thing as it is now, and only of what it shows."""

import json

from apps.runs import news


def changes(*pairs: tuple[int, str]) -> tuple[bytes, bytes]:
    return b"executions", json.dumps(news.of_changes(dict(pairs))).encode()


def progress(done: int) -> tuple[bytes, bytes]:
    return b"progress", json.dumps({"done": done}).encode()


def test_many_news_become_few_and_say_how_it_is_now() -> None:
    told = [
        changes((1, "running"), (2, "running")),
        progress(0),
        changes((1, "passed")),
        progress(1),
        (b"finished", b"{}"),
    ]

    folded = news.folded(told, None)

    assert [name for name, _ in folded] == [b"executions", b"progress", b"finished"]
    assert json.loads(folded[0][1]) == {"changes": [[1, "passed"], [2, "running"]]}
    assert json.loads(folded[1][1]) == {"done": 1}


def test_what_the_page_does_not_show_is_left_out() -> None:
    told = [changes((1, "passed"), (7, "failed")), progress(2)]

    assert json.loads(news.folded(told, range(5, 10))[0][1]) == {"changes": [[7, "failed"]]}
    assert [name for name, _ in news.folded(told, range(100, 110))] == [b"progress"]


def test_of_very_many_changes_a_page_is_told_to_ask() -> None:
    every = dict.fromkeys(range(news.MOST + 1), "cancelled")

    assert news.folded([(b"executions", json.dumps(news.of_changes(every)).encode())], range(3)) == [
        (b"executions", b'{"many":true}')
    ]


def test_the_progress_of_each_run_is_told_once() -> None:
    one, two = ({"number": number, "done": 1} for number in (1, 2))
    told = [(b"runs", json.dumps(data).encode()) for data in (one, two, one | {"done": 5})] + [(b"defects", b"{}")] * 2

    folded = news.folded_by_run(told)

    assert [json.loads(data) for name, data in folded if name == b"runs"] == [two, one | {"done": 5}]
    assert sum(name == b"defects" for name, _ in folded) == 2
