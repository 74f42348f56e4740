import pytest
from django.test import Client

from apps.accounts.models import User


@pytest.mark.parametrize("path", ["/language/", "/theme/"])
@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_choosing_never_leads_to_another_site(path: str, target: str) -> None:
    response = Client().post(path, {"language": "es", "theme": "dark", "next": target})

    assert (response.status_code, response["Location"]) == (302, "/")


def test_the_theme_is_drawn_by_the_server(db: None) -> None:
    client = Client()
    assert "data-theme-auto" in client.get("/sign-in/").content.decode()

    client.post("/theme/", {"theme": "dark"})
    page = client.get("/sign-in/").content.decode()

    assert 'data-bs-theme="dark"' in page and "data-theme-auto" not in page


def test_nonsense_is_not_remembered() -> None:
    client = Client()

    client.post("/theme/", {"theme": '"><script>'})
    client.post("/language/", {"language": "tlh"})

    assert not client.cookies


def test_a_language_is_kept_with_the_user(tester: User) -> None:
    client = Client()
    client.force_login(tester)

    client.post("/language/", {"language": "es", "next": "/account/"})

    tester.refresh_from_db()
    assert tester.language == "es"


def test_health_answers_when_database_and_redis_do(db: None) -> None:
    assert Client().get("/health/").json()["status"] == "ok"


def test_a_wrong_address_is_a_page_that_helps(tester: User) -> None:
    client = Client()
    client.force_login(tester)

    response = client.get("/nowhere/")

    assert response.status_code == 404
    assert "There is no such page" in response.content.decode()


def test_pages_forbid_inline_script_and_style(db: None) -> None:
    policy = Client().get("/sign-in/")["Content-Security-Policy"]

    assert "script-src 'self'" in policy and "style-src 'self'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("referer", "page"),
    [
        ("http://testserver/s/shop/defects/1/?tab=all#last", "/s/shop/defects/1/%3Ftab%3Dall"),
        ("http://elsewhere/s/shop/defects/1/", "/"),
        ("", "/"),
    ],
)
def test_whose_session_ended_before_a_form_was_sent_comes_back_to_its_page(
    client: Client, referer: str, page: str
) -> None:
    answer = client.post("/s/shop/defects/1/comment/", {"text": "Long"}, headers={"referer": referer})

    assert answer["Location"] == f"/sign-in/?next={page}"


def test_whose_session_ended_comes_back_to_the_page_that_was_asked_for(client: Client) -> None:
    assert client.get("/s/shop/?a=1")["Location"] == "/sign-in/?next=/s/shop/%3Fa%3D1"
