"""The runtime of a generated SDK (Stainless), with a page class of its own: openai's base client."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from openai import AsyncOpenAI, BaseModel
from openai._base_client import (
    AsyncPaginator,
    BaseAsyncPage,
    BasePage,
    PageInfo,
    make_request_options,
)

PATH = "/analytics/sessions"


class Address(BaseModel):
    street1: str | None = None
    street2: str | None = None
    city: str | None = None
    state: str | None = None
    zip: str | None = None


class Session(BaseModel):
    id: str
    created_at: datetime
    campaign_id: str | None = None
    address: Address | None = None
    furthest_step: int | None = None
    order_number: str | None = None
    ordered_at: datetime | None = None
    installed: bool | None = None
    installed_at: datetime | None = None
    commission_cents: int | None = None


class Meta(BaseModel):
    page: int
    pages: int


class NumberedPage(BaseAsyncPage[Session], BasePage[Session]):
    data: list[Session]
    meta: Meta

    def _get_page_items(self) -> list[Session]:
        return self.data

    def next_page_info(self) -> PageInfo | None:
        if self.meta.page >= self.meta.pages:
            return None
        return PageInfo(params={"page": self.meta.page + 1})


async def run(base_url: str, _: int, __: int) -> int:
    count = 0
    query: dict[str, Any] = {
        "page": 1,
        "start_date": "2026-01-01T00:00:00Z",
        "end_date": "2026-03-31T00:00:00Z",
    }
    async with AsyncOpenAI(api_key="invented", base_url=base_url) as client:
        pager: AsyncPaginator[Session, NumberedPage] = client.get_api_list(
            PATH, page=NumberedPage, options=make_request_options(query=query), model=Session
        )
        async for _session in pager:
            count += 1
    return count
