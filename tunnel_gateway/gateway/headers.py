"""Which headers of a page's request reach the application: the one table of those that do not.

Applications and frameworks believe certain headers, because the proxy before them sets them. Here
that proxy is the gateway, and it sets X-EIMZO-*, X-Forwarded-For, Host, Connection and Upgrade. So
nothing of the kind passes from outside, whoever it is that some framework would believe: browsers
send none of these headers with an upgrade, and pages cannot make them. The names of products are
without number, so the table also has the words that such names are made of.

A name with other characters than letters, digits and hyphens does not pass either: CGI and WSGI
servers fold ``X_EIMZO_CN`` and ``X.EIMZO.CN`` into the name of the real header.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import translate
from types import MappingProxyType
from typing import Final

# What such a header tells the application, and the names, in lower case; * is any text.
REMOVED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "who the user is": (
            *("x-eimzo-*", "remote-*", "x-remote-*", "auth-*", "x-auth-request-*", "x-auth"),
            *("x-authenticated*", "x-authentik-*", "x-webauth-*", "webauth-*", "user", "user-dn"),
            *("*-user", "*-user-*", "*-users", "*-userid", "*-userinfo", "*-username"),
            *("*-useremail", "*-email", "*-mail", "*-login", "*-login-*", "*-role", "*-roles"),
            *("*-group", "*-groups", "*principal*", "*-subject*", "x-auth-name", "x-sub"),
            *("*-uid", "*-msisdn", "*identity*", "*-sso*", "sso-*", "*-caller*", "*impersonat*"),
            *("*-jwt*", "*-id-token", "*-account-id", "*-project-id", "*-tenant*", "*-orgid"),
            *("x-consumer-*", "x-credential-*", "x-anonymous*", "x-goog-*", "x-amzn-*"),
            *("x-ms-*", "x-pomerium-*", "x-vouch-*", "tailscale-*", "oidc-*", "x-oidc-*"),
            *("shib-*", "mellon-*", "sm-*", "iv-*", "cas-*", "oam-*", "osso-*", "l5d-*"),
            *("kubeflow-*", "teleport-*", "x-hasura-*", "*gap-auth", "*spiffe*", "x-kong-*"),
            *("x-tyk-*",),
        ),
        "which certificate the user showed": (
            *("*ssl*", "x-tls-*", "tls-*", "x-mtls*", "mtls-*", "x-client*", "client-*"),
            *("cert", "cert-*", "*-cert", "*-cert-*", "*clientcert*", "*certificate*", "x-arr-*"),
            *("dn", "*-dn", "verified", "x-verified", "x-verify", "x-issuer*", "x-serial*"),
        ),
        "where the user comes from": (
            *("*forward*", "*clientip", "*-ip", "*-ip-*", "*connecting-ip*", "*remote-addr"),
            *("x-cluster-*", "x-envoy-*", "x-appengine-*", "x-azure-*", "x-akamai-*", "x-nf-*"),
            *("cf-*", "cdn-*", "cloudfront-*", "fastly-*", "fly-*", "x-amz-*", "via", "*-via"),
            *("x-real-*", "x-country*", "x-geo*"),
        ),
        "what was asked for, and how": (
            *("x-original*", "x-rewrite*", "*-host", "*-host-*", "host-*", "*-uri", "*-url"),
            *("*destinationurl", "destination", "redirect", "x-http-host*", "x-http-method*"),
            *("*-override", "*-override-*", "x-scheme", "*-url-scheme", "x-proto*", "*-port"),
            *("x-server-*", "*script-name", "front-end-https", "x-https", "https", "x-accel-*"),
            *("x-sendfile*", "x-middleware-*", "x-nginx-*"),
        ),
        "the connection to the gateway, which ends here": (
            *("keep-alive", "proxy", "*proxy-*", "x-prox*", "x-weblogic-*", "content-length"),
            *("transfer-encoding", "te", "trailer", "expect", "http2-settings", "max-forwards"),
        ),
    }
)

_NAME: Final = re.compile(r"[A-Za-z0-9-]+")
_REMOVED: Final = re.compile(
    "|".join(translate(pattern) for patterns in REMOVED.values() for pattern in patterns)
)


def passes(name: str) -> bool:
    """Tell whether a header of this name goes on to the application as it came."""
    return _NAME.fullmatch(name) is not None and _REMOVED.match(name.lower()) is None


def as_markdown() -> str:
    """Return the table as it stands in docs/configuration.md."""
    return "\n".join(_rows()) + "\n"


def _rows() -> Iterator[str]:
    yield "| what it would tell | headers that do not pass |"
    yield "|---|---|"
    for what, patterns in REMOVED.items():
        yield f"| {what} | {', '.join(f'`{one}`' for one in patterns)} |"
