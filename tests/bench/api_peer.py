"""The peer of tests.bench.api: the same list of daily sales as FastAPI and SQLAlchemy give it in their tutorials.

It does the same job: looks up the key and how far it sees, counts its requests of the minute in Redis (where there is
one), lists only what the key may see, a page that continues after the last row, and tells the same fields, money as
numbers with two places. `DATABASE_URL` and `REDIS_URL` name the services.

    uvicorn tests.bench.api_peer:app --workers 2
"""

import datetime as dt
import hashlib
import hmac
import json
import os
import time
import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any

import redis
from fastapi import Depends, FastAPI, Header, HTTPException, Query, Request
from pydantic import BaseModel, ConfigDict, PlainSerializer
from sqlalchemy import Date, DateTime, ForeignKey, Numeric, String, Uuid, and_, create_engine, exists, or_, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, column_property, mapped_column, relationship, sessionmaker

engine = create_engine(os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg2://"))
Sessions = sessionmaker(engine)
counts = redis.Redis.from_url(os.environ["REDIS_URL"]) if os.environ.get("REDIS_URL") else None
app = FastAPI()


class Base(DeclarativeBase):
    pass


class ApiKey(Base):
    __tablename__ = "accounts_apikey"

    id: Mapped[str] = mapped_column(primary_key=True)
    prefix: Mapped[str]
    hashed_key: Mapped[str]
    revoked: Mapped[bool]
    per_minute: Mapped[int | None]
    expiry_date: Mapped[dt.datetime | None] = mapped_column(DateTime(timezone=True))
    user_id: Mapped[int] = mapped_column(ForeignKey("accounts_user.id"))
    user: Mapped["User"] = relationship(lazy="joined")


class User(Base):
    __tablename__ = "accounts_user"

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str]
    is_active: Mapped[bool]
    memberships: Mapped[list["Membership"]] = relationship(lazy="selectin")


class Membership(Base):
    __tablename__ = "accounts_membership"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("accounts_user.id"))
    organisation_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    role: Mapped[str]
    all_departments: Mapped[bool]
    scopes: Mapped[list["Scope"]] = relationship(lazy="select")


class Scope(Base):
    __tablename__ = "departments_departmentscope"

    id: Mapped[int] = mapped_column(primary_key=True)
    membership_id: Mapped[int] = mapped_column(ForeignKey("accounts_membership.id"))
    department_id: Mapped[uuid.UUID] = mapped_column(Uuid)


class SourceDay(Base):
    __tablename__ = "sales_sourceday"

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    connection_id: Mapped[int]
    date: Mapped[dt.date] = mapped_column(Date)
    is_settled: Mapped[bool]


class SalesSummary(Base):
    __tablename__ = "sales_summary"

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    department_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    connection_id: Mapped[int | None]
    date: Mapped[dt.date] = mapped_column(Date)
    total_sales: Mapped[Decimal | None] = mapped_column(Numeric(18, 4))
    revenue: Mapped[Decimal | None] = mapped_column(Numeric(18, 4))
    gross: Mapped[Decimal | None] = mapped_column(Numeric(18, 4))
    orders: Mapped[int | None]
    guests: Mapped[int | None]
    state: Mapped[str] = mapped_column(String(12))
    created_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))
    synced_at: Mapped[dt.datetime] = mapped_column(DateTime(timezone=True))


SalesSummary.settled = column_property(  # type: ignore[attr-defined]
    exists(
        select(SourceDay.id).where(
            SourceDay.organisation_id == SalesSummary.organisation_id,
            SourceDay.connection_id == SalesSummary.connection_id,
            SourceDay.date == SalesSummary.date,
            SourceDay.is_settled,
        )
    )
)


Money = Annotated[Decimal, PlainSerializer(lambda amount: float(round(amount, 2)), return_type=float)]


class Day(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    department_id: uuid.UUID
    date: dt.date
    revenue: Money | None
    gross: Money | None
    orders: int | None
    guests: int | None
    created_at: dt.datetime
    updated_at: dt.datetime
    synced_at: dt.datetime
    state: str
    settled: bool
    total_sales: Money | None


class Page(BaseModel):
    next: str | None
    previous: str | None
    results: list[Day]


def session() -> Iterator[Session]:
    with Sessions() as opened:
        yield opened


def person(database: Annotated[Session, Depends(session)], authorization: Annotated[str, Header()] = "") -> User:
    secret = authorization.removeprefix("Api-Key ")
    prefix = secret.partition(".")[0]
    key = database.scalars(select(ApiKey).where(ApiKey.prefix == prefix, ApiKey.revoked.is_(False))).first()
    hashed = f"sha512$${hashlib.sha512(secret.encode()).hexdigest()}"
    if key is None or not hmac.compare_digest(key.hashed_key, hashed) or not key.user.is_active:
        raise HTTPException(401)
    if key.expiry_date and key.expiry_date < dt.datetime.now(dt.UTC):
        raise HTTPException(401)
    if counts and key.per_minute:
        name = f"{key.id}:{int(time.time() // 60)}"
        asked, _kept = counts.pipeline(transaction=False).incr(name).expire(name, 60).execute()
        if asked > key.per_minute:
            raise HTTPException(429)
    return key.user


@app.get("/summary", response_model=Page)
def summary(
    request: Request,
    database: Annotated[Session, Depends(session)],
    user: Annotated[User, Depends(person)],
    from_date: dt.date | None = None,
    to_date: dt.date | None = None,
    department_id: uuid.UUID | None = None,
    page_size: Annotated[int, Query(ge=1, le=10_000)] = 100,
    cursor: str | None = None,
) -> Any:
    whole = [joined.organisation_id for joined in user.memberships if joined.all_departments]
    some = [scope.department_id for joined in user.memberships if not joined.all_departments for scope in joined.scopes]
    mine = or_(SalesSummary.organisation_id.in_(whole), SalesSummary.department_id.in_(some)) if some else (
        SalesSummary.organisation_id.in_(whole)
    )  # fmt: skip
    wanted = select(SalesSummary).where(mine)
    if from_date:
        wanted = wanted.where(SalesSummary.date >= from_date)
    if to_date:
        wanted = wanted.where(SalesSummary.date <= to_date)
    if department_id:
        wanted = wanted.where(SalesSummary.department_id == department_id)
    if cursor:
        day, department, pk = json.loads(urlsafe_b64decode(cursor))
        same = SalesSummary.date == dt.date.fromisoformat(day)
        later = or_(
            SalesSummary.department_id > uuid.UUID(department),
            and_(SalesSummary.department_id == uuid.UUID(department), SalesSummary.id > pk),
        )
        wanted = wanted.where(or_(SalesSummary.date < dt.date.fromisoformat(day), and_(same, later)))
    newest = (SalesSummary.date.desc(), SalesSummary.department_id, SalesSummary.id)
    found = database.scalars(wanted.order_by(*newest).limit(page_size + 1)).all()
    more = None
    if len(found) > page_size:
        last = found[page_size - 1]
        after = urlsafe_b64encode(json.dumps([str(last.date), str(last.department_id), last.id]).encode()).decode()
        more = str(request.url.include_query_params(cursor=after))
    return {"next": more, "previous": None, "results": found[:page_size]}
