"""The metrics of the mobile documents."""

from __future__ import annotations

from tests.support.calls import CALLER
from tunnel_gateway.observability.metrics import Metrics
from tunnel_gateway.rest.mobile.counted_documents import RESULTS, CountedDocuments
from tunnel_gateway.rest.mobile.documents import OwnDocuments, Purpose
from tunnel_gateway.rest.rest_metrics import RestMetrics


async def test_each_step_counts_once() -> None:
    metrics = Metrics()
    documents = CountedDocuments(OwnDocuments(60, 10, lambda: 0.0), RestMetrics(metrics))

    def counts() -> list[float]:
        return [metrics.rest_mobile_documents.labels(result)._value.get() for result in RESULTS]

    assert counts() == [0, 0, 0, 0]
    document = await documents.begin(Purpose.SIGN_IN, CALLER)
    assert not await documents.use(document)
    assert await documents.keep(document, b"message")
    assert not await documents.keep(document, b"message")
    documents.refuse_upload()
    assert (await documents.find(document.document_id)) is not None
    assert await documents.use(document)
    assert not await documents.use(document)
    assert counts() == [1, 1, 1, 1]
