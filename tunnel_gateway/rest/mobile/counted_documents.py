"""The store of the mobile documents, with the metrics of what happens to them."""

from __future__ import annotations

from typing import Final

from tunnel_gateway.rest.call import Caller
from tunnel_gateway.rest.mobile.documents import Documents, MobileDocument, Purpose
from tunnel_gateway.rest.rest_metrics import RestMetrics

RESULTS: Final = ("begun", "signed", "upload_refused", "signed_in")


class CountedDocuments:
    """Counts the documents of ``store``."""

    def __init__(self, store: Documents, metrics: RestMetrics) -> None:
        self._store = store
        self._begun, self._signed, self._upload_refused, self._signed_in = map(
            metrics.mobile_documents.labels, RESULTS
        )

    async def begin(self, purpose: Purpose, caller: Caller) -> MobileDocument:
        """Return a new document for a caller. Raises Refusal."""
        document = await self._store.begin(purpose, None if caller.own else caller.user)
        self._begun.inc()
        return document

    async def find(self, document_id: str) -> MobileDocument | None:
        """Return the open document with this id. Raises Refusal."""
        return await self._store.find(document_id)

    async def keep(self, document: MobileDocument, message: bytes) -> bool:
        """Keep the first message for a document; tell whether this was done. Raises Refusal."""
        kept = await self._store.keep(document, message)
        if kept:
            self._signed.inc()
        return kept

    async def use(self, document: MobileDocument) -> bool:
        """Use up a document with a message; tell whether this was done. Raises Refusal."""
        used = await self._store.use(document)
        if used:
            self._signed_in.inc()
        return used

    def refuse_upload(self) -> None:
        """Count an upload that is not kept."""
        self._upload_refused.inc()
