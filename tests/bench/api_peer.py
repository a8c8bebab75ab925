"""The peer of tests.bench.api: the same list of daily sales as FastAPI and SQLAlchemy give it in their tutorials.

The same key is looked up, and only its organisations' days are listed; nothing is limited. `DATABASE_URL` names the
database.

    uvicorn tests.bench.api_peer:app --workers 2
"""

import datetime as dt
import hashlib
import hmac
import os
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, HTTPException, Query
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Date, DateTime, ForeignKey, Numeric, String, Uuid, create_engine, exists, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, column_property, mapped_column, relationship, sessionmaker

engine = create_engine(os.environ["DATABASE_URL"].replace("postgresql://", "postgresql+psycopg2://"))
Sessions = sessionmaker(engine)
app = FastAPI()


class Base(DeclarativeBase):
    pass


class ApiKey(Base):
    __tablename__ = "accounts_apikey"

    id: Mapped[str] = mapped_column(primary_key=True)
    prefix: Mapped[str]
    hashed_key: Mapped[str]
    revoked: Mapped[bool]
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


class Day(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    department_id: uuid.UUID
    date: dt.date
    revenue: Decimal | None
    gross: Decimal | None
    orders: int | None
    guests: int | None
    created_at: dt.datetime
    updated_at: dt.datetime
    synced_at: dt.datetime
    state: str
    settled: bool
    total_sales: Decimal | None


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
    return key.user


@app.get("/summary", response_model=list[Day])
def summary(
    database: Annotated[Session, Depends(session)],
    user: Annotated[User, Depends(person)],
    skip: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
) -> Any:
    newest = (SalesSummary.date.desc(), SalesSummary.department_id, SalesSummary.id)
    mine = SalesSummary.organisation_id.in_([joined.organisation_id for joined in user.memberships])
    return database.scalars(select(SalesSummary).where(mine).order_by(*newest).offset(skip).limit(limit)).all()
