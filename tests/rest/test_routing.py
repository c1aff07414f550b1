from __future__ import annotations

import pytest

from tunnel_gateway.rest.call import Call, Wanted
from tunnel_gateway.rest.routing import Routes, WrongVerbError
from tunnel_gateway.rest.statuses import Fields, Reason, Refusal


class Nothing:
    wanted = Wanted()

    def __init__(self, path: str, *verbs: str) -> None:
        self.path = path
        self.verbs = verbs

    async def answer(self, call: Call) -> Fields:
        return {"path": call.path}


ROUTES = Routes(
    [
        Nothing("/ping", "GET"),
        Nothing("/frontend/challenge", "GET", "POST"),
        Nothing("/backend/auth", "POST"),
        Nothing("/backend/pkcs7/verify/attached", "POST"),
        Nothing("/backend/pkcs7/verify/detached", "POST"),
        Nothing("/frontend/timestamp/pkcs7", "POST"),
    ]
)


@pytest.mark.parametrize("path", ["/frontend/challenge", "/frontend/challenge/"])
@pytest.mark.parametrize("verb", ["GET", "POST", "HEAD"])
def test_a_slash_at_the_end_does_not_count(path: str, verb: str) -> None:
    assert ROUTES.find(path, verb).method.path == "/frontend/challenge"


@pytest.mark.parametrize(
    ("path", "right"),
    [
        ("/challenge", "/frontend/challenge"),
        ("/frontend/chalenge", "/frontend/challenge"),
        ("/Frontend/Challenge", "/frontend/challenge"),
        ("/auth", "/backend/auth"),
        ("/eimzo/backend/auth", "/backend/auth"),
        ("/backend/verify/attached", "/backend/pkcs7/verify/attached"),
        ("/backend/pkcs7/verify/atached/", "/backend/pkcs7/verify/attached"),
        ("/frontend/timestamp", "/frontend/timestamp/pkcs7"),
        (
            "/backend/pkcs7/verify/",
            "/backend/pkcs7/verify/attached or /backend/pkcs7/verify/detached",
        ),
    ],
)
def test_a_wrong_path_is_told_the_right_one(path: str, right: str) -> None:
    with pytest.raises(Refusal, match=f"did you mean {right}") as caught:
        ROUTES.find(path, "POST")
    assert caught.value.reason is Reason.UNKNOWN_PATH


@pytest.mark.parametrize("path", ["/", "", "//", "/a", "/xyzzy-plugh", "/evil\r\nSet-Cookie: a"])
def test_a_path_like_no_other_is_told_where_all_methods_stand(path: str) -> None:
    with pytest.raises(Refusal, match=r": GET /openapi shows all methods$"):
        ROUTES.find(path, "GET")


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/healthz", "answered at tunnel.admin.listen"),
        ("/readyz/", "answered at tunnel.admin.listen"),
        ("/metrics", "answered at tunnel.admin.listen"),
        ("/frontend/mobile/auth", "set mobile.siteId"),
        ("/backend/mobile/authenticate/17", "set mobile.siteId"),
        ("/mobile/", "set mobile.siteId"),
        ("/frontend/mobile/" + "a" * 100, "set mobile.siteId"),
    ],
)
def test_a_path_of_another_place_is_told_so(path: str, told: str) -> None:
    with pytest.raises(Refusal, match=told):
        ROUTES.find(path, "GET")


def test_a_long_path_costs_no_search() -> None:
    with pytest.raises(Refusal, match="too long for any method"):
        ROUTES.find("/frontend/challenge" * 400, "GET")


def test_a_wrong_verb_is_told_the_right_one() -> None:
    with pytest.raises(WrongVerbError, match="use POST") as caught:
        ROUTES.find("/backend/auth", "GET")
    assert (caught.value.reason, caught.value.verbs) == (Reason.WRONG_VERB, ("POST",))
    for verb in ("PUT", "DELETE", "OPTIONS"):
        with pytest.raises(WrongVerbError, match="use GET or POST"):
            ROUTES.find("/frontend/challenge", verb)
    with pytest.raises(WrongVerbError):
        ROUTES.find("/backend/auth", "HEAD")


def test_labels_are_the_paths_of_methods() -> None:
    assert ROUTES.label("/ping/") == "/ping"
    assert ROUTES.label("/evil") == "other"
    assert "/backend/auth" in ROUTES.paths


AUTHENTICATE = "/backend/mobile/authenticate/{documentId}"
MOBILE = Routes(
    [
        Nothing("/frontend/challenge", "GET", "POST"),
        Nothing("/backend/auth", "POST"),
        Nothing("/frontend/mobile/auth", "POST"),
        Nothing("/frontend/mobile/sign", "POST"),
        Nothing("/frontend/mobile/status", "POST"),
        Nothing("/frontend/mobile/upload", "POST"),
        Nothing(AUTHENTICATE, "GET", "POST"),
        Nothing("/backend/mobile/verify", "POST"),
    ]
)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("2944F1F2", "2944F1F2"),
        ("2944F1F2/", "2944F1F2"),
        ("%32%2F..%2f", "2/../"),
        ("%d1%9e" * 64, "\u045e" * 64),
        ("%ff", "\ufffd"),
        ("a" * 64, "a" * 64),
        ("{documentId}", "{documentId}"),
    ],
)
def test_a_path_has_a_parameter(parameter: str, value: str) -> None:
    path = f"/backend/mobile/authenticate/{parameter}"
    route = MOBILE.find(path, "GET")
    assert (route.method.path, dict(route.texts)) == (AUTHENTICATE, {"documentId": value})
    assert MOBILE.label(path) == AUTHENTICATE
    assert dict(MOBILE.find("/backend/mobile/verify", "POST").texts) == {}
    with pytest.raises(WrongVerbError, match="use GET or POST"):
        MOBILE.find(path, "PUT")


def test_nobody_signs_in_without_seeing_the_answer() -> None:
    for verb in ("GET", "POST"):
        assert MOBILE.find("/backend/mobile/authenticate/2944F1F2", verb)
    with pytest.raises(WrongVerbError):
        MOBILE.find("/backend/mobile/authenticate/2944F1F2", "HEAD")


@pytest.mark.parametrize("parameter", ["a" * 65, "%41" * 65, "%d1%9e" * 65, "a" * 8000])
def test_a_parameter_is_bounded(parameter: str) -> None:
    with pytest.raises(Refusal, match="documentId may have 64 characters") as caught:
        MOBILE.find(f"/backend/mobile/authenticate/{parameter}", "GET")
    assert caught.value.reason is Reason.UNKNOWN_PATH
    assert AUTHENTICATE in caught.value.detail
    assert len(caught.value.detail) < 200


@pytest.mark.parametrize(
    ("path", "right"),
    [
        ("/backend/mobile/authenticate", AUTHENTICATE),
        ("/backend/mobile/authenticate/", AUTHENTICATE),
        ("/backend/mobile/authenticate//", AUTHENTICATE),
        ("/backend/mobile/auth/2944F1F2", AUTHENTICATE),
        ("/backend/mobile/auth", AUTHENTICATE),
        ("/frontend/mobile/authenticate/2944F1F2", AUTHENTICATE),
        ("/backend/mobile/authenticate/2944/F1F2", AUTHENTICATE),
        ("/eimzo/backend/mobile/authenticate/2944F1F2", AUTHENTICATE),
        ("/mobile/authenticate", AUTHENTICATE),
        ("/mobile/auth", "/frontend/mobile/auth"),
        ("/frontend/mobile/challenge", "/frontend/mobile/auth"),
        ("/backend/mobile/challenge", "/frontend/mobile/auth"),
        ("/frontend/mobile/Upload/", "/frontend/mobile/upload"),
        ("/frontend/mobile/stat", "/frontend/mobile/status"),
        ("/backend/mobile/status", "/frontend/mobile/status"),
        ("/mobile/verify", "/backend/mobile/verify"),
        ("/frontend/mobile/verify", "/backend/mobile/verify"),
        ("/frontend/mobile", "/frontend/mobile/auth or /frontend/mobile/sign"),
        ("/backend/auth/2944F1F2", "/backend/auth"),
    ],
)
def test_a_wrong_path_of_mobiles_is_told_the_right_one(path: str, right: str) -> None:
    assert MOBILE.label(path) == "other"
    with pytest.raises(Refusal) as caught:
        MOBILE.find(path, "GET")
    assert caught.value.reason is Reason.UNKNOWN_PATH
    assert f"did you mean {right}" in caught.value.detail, caught.value.detail
