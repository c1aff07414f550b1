"""The one table of the headers of a page's request that do not reach the application.

Applications and frameworks believe certain headers, because a proxy in front of them sets these
headers. Here the gateway is the proxy, and it sets X-EIMZO-*, X-Forwarded-For, Host, Connection and
Upgrade. So no header that a framework may believe passes from outside. Browsers send none of them
with an upgrade, and pages cannot make them. There are too many products to list all their headers,
so the table also has the words that such names contain.

A name with other characters than letters, digits and hyphens does not pass: CGI and WSGI servers
turn ``X_EIMZO_CN`` and ``X.EIMZO.CN`` into the name of the real header.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from fnmatch import translate
from types import MappingProxyType
from typing import Final

# The subject of such headers, and their names in lower case; * is any text.
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

# Browsers send the same dozen names. A user who sends others has at most a megabyte kept here.
_LAST_NAMES: Final = 64

_NAME: Final = re.compile(r"[A-Za-z0-9-]+")
_REMOVED: Final = re.compile(
    "|".join(translate(pattern) for patterns in REMOVED.values() for pattern in patterns)
)


@functools.lru_cache(_LAST_NAMES)
def passes(name: str) -> bool:
    """Tell whether the application gets a header of this name unchanged."""
    return _NAME.fullmatch(name) is not None and _REMOVED.match(name.lower()) is None


def as_markdown() -> str:
    """Return the table as it stands in docs/configuration.md."""
    lines = ["| what it would tell | headers that do not pass |", "|---|---|"]
    for what, patterns in REMOVED.items():
        lines.append(f"| {what} | {', '.join(f'`{pattern}`' for pattern in patterns)} |")
    return "\n".join(lines) + "\n"
