"""The headers that reach the application, and those that do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunnel_gateway.gateway.headers import REMOVED, as_markdown, passes

ROOT = Path(__file__).parents[2]

# The headers that browsers send with an upgrade, and headers with which programs name themselves.
OF_BROWSERS = (
    *("Origin", "User-Agent", "Cookie", "Accept-Language", "Accept-Encoding", "Pragma", "DNT"),
    *("Cache-Control", "Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Protocol"),
    *("Sec-WebSocket-Extensions", "Sec-Fetch-Mode", "Sec-Fetch-Site", "Sec-CH-UA", "Sec-GPC"),
    *("Authorization", "X-Api-Key", "X-Request-Id", "X-CSRF-Token", "X-Requested-With"),
    *("traceparent", "X-EIMZOTE", "X-Auth-Token", "Date", "Priority", "Accept", "Save-Data"),
)
# Each is believed by a framework, a proxy's companion or a cloud.
BELIEVED = (
    *("X-EIMZO-CN", "X-EIMZO-New", "True-Client-IP", "X-Client-IP", "Client-IP", "X-Real-IP"),
    *("X-Original-URL", "X-Rewrite-URL", "X-Original-Host", "X-Original-Forwarded-For", "X-Host"),
    *("Remote-User", "X-Remote-User", "Remote-Groups", "X-SSL-Client-Cert", "SSL-Client-Verify"),
    *("X-SSL", "Forwarded", "X-Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "Forwarded-For"),
    *("X-ProxyUser-Ip", "CF-Connecting-IP", "CF-Access-Jwt-Assertion", "Fastly-Client-IP"),
    *("X-Cluster-Client-IP", "X-Client-Cert", "Client-Cert", "Client-Cert-Chain", "X-Client-DN"),
    *("X-Amzn-Oidc-Identity", "X-Amzn-Mtls-Clientcert", "X-Authenticated-User", "X-WebAuth-User"),
    *("X-Auth-Request-User", "X-Auth-User", "X-Azure-ClientIP", "X-Appengine-User-Ip", "Via"),
    *("X-Goog-Authenticated-User-Email", "X-MS-Client-Principal", "X-ARR-ClientCert"),
    *("X-Envoy-External-Address", "X-Consumer-Username", "X-HTTP-Method-Override", "X-Scheme"),
    *("X-URL-Scheme", "Front-End-Https", "X-Forwarded-Client-Cert", "X-Middleware-Subrequest"),
    *("X-Accel-Mapping", "X-Sendfile-Type", "X-Script-Name", "WL-Proxy-Client-IP", "iv-user"),
    *("SM-User", "OIDC-Claim-Sub", "Tailscale-User-Login", "X-Originating-IP", "X-Remote-Addr"),
    *("X-Auth-CouchDB-UserName", "X-Auth-CouchDB-Roles", "Kubeflow-Userid", "CAS-User"),
    *("X-Endpoint-API-UserInfo", "X-Apigateway-Api-Userinfo", "X-MS-Token-AAD-Id-Token"),
    *(
        "L5d-Client-Id",
        "OAM-Remote-User",
        "Osso-User-DN",
        "X-Scope-OrgID",
        "X-ProxiedEntitiesChain",
    ),
    *("X-JWT-Assertion", "Teleport-Jwt-Assertion", "X-Api-Roles", "X-Identity-Status", "X-Roles"),
    *("X-Trino-User", "X-Auth-Email", "X-Auth-Groups", "X-Authenticated", "Impersonate-User"),
    *("Verified", "X-Verified", "DN", "X-DN", "Client-Verify", "Client-DN", "X-Certificate"),
    *("SSLClientCert", "NS-Client-Cert", "X-Forward-For", "X-Source-IP", "X-IP", "Cdn-Src-Ip"),
    *("X-Request-URI", "X-Backend-Host", "Method-Override", "X-Proxy-User", "X-Port"),
    *("X-NF-Client-Connection-IP", "Host-Override", "X-BlueCoat-Via", "X-Rewrite", "X-Original"),
)
OF_THE_CONNECTION = (
    *("Proxy", "Proxy-Authorization", "Proxy-Connection", "Expect", "Content-Length", "TE"),
    *("Transfer-Encoding", "Trailer", "Keep-Alive", "HTTP2-Settings", "Max-Forwards"),
)


@pytest.mark.parametrize("name", OF_BROWSERS)
def test_what_a_page_says_for_itself_passes(name: str) -> None:
    assert passes(name)


@pytest.mark.parametrize("name", BELIEVED + OF_THE_CONNECTION)
def test_what_applications_believe_does_not_pass(name: str) -> None:
    for spelling in (name, name.lower(), name.upper(), name.replace("-", "_")):
        assert not passes(spelling)


@pytest.mark.parametrize("name", ["X.EIMZO.CN", "x_eimzo_cn", "Sec_WebSocket_Key", "a.b", "Ab_"])
def test_a_name_that_servers_fold_into_another_does_not_pass(name: str) -> None:
    assert not passes(name)


def test_every_pattern_is_in_lower_case_and_there_once() -> None:
    patterns = [one for some in REMOVED.values() for one in some]
    assert patterns == [one.lower() for one in dict.fromkeys(patterns)]


def test_the_documentation_has_the_table() -> None:
    assert as_markdown() in (ROOT / "docs" / "configuration.md").read_text("utf-8")
