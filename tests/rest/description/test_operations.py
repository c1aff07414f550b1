from __future__ import annotations

from tests.rest.test_assembly import PATHS
from tunnel_gateway.rest.description.operations import OPERATIONS
from tunnel_gateway.rest.methods.verify_many import MAX_DOCUMENTS


def test_every_method_is_here_and_no_other() -> None:
    assert set(OPERATIONS) == PATHS


def test_methods_beyond_the_guide_say_so() -> None:
    beyond = {path for path, one in OPERATIONS.items() if "Not in the guide" in one.description}
    assert beyond == {
        "/frontend/pkcs7/detach",
        "/backend/pkcs7/verify/digest",
        "/backend/pkcs7/verify/many",
        "/backend/certificate/status",
    }


def test_the_bound_on_documents_is_that_of_the_method() -> None:
    body = OPERATIONS["/backend/pkcs7/verify/many"].body
    assert body is not None
    assert body["properties"]["documents"]["maxItems"] == MAX_DOCUMENTS
