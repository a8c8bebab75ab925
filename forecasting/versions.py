"""Model versions: kept as data, checked before they are loaded, one of them serving."""

import datetime as dt
import hashlib
import json
from functools import lru_cache
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from accounts.models import Organisation, User
from forecasting.choices import VersionState
from forecasting.engine import trial
from forecasting.engine.api import Fit
from forecasting.engine.errors import EngineError
from forecasting.engine.recipe import RECIPES, contract_hash
from forecasting.models import ModelText, ModelVersion
from runs.models import Run


class Refused(Exception):
    """A version cannot serve; `code` and `params` say why."""

    def __init__(self, code: str, **params: Any) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


@transaction.atomic
def save_version(
    organisation: Organisation,
    fit: Fit,
    *,
    metrics: dict[str, Any],
    mornings: dict[str, list[float]] | None = None,
    run: Run | None = None,
) -> ModelVersion:
    """Store a fit as the organisation's next version, a candidate until it is served.

    `mornings`: what today's first hours tell of its rest, for forecasting.today; None: nothing is known of it.
    """
    Organisation.objects.select_for_update().get(pk=organisation.pk)
    newest = ModelVersion.objects.filter(organisation=organisation).aggregate(number=Max("number"))["number"] or 0
    manifest = fit.manifest() | ({"mornings": mornings} if mornings else {})
    version = ModelVersion.objects.create(
        organisation=organisation,
        number=newest + 1,
        recipe=fit.recipe.name,
        code_version=str(fit.recipe.code_version),
        contract=str(manifest["contract_hash"]),
        trained_through=dt.date.fromisoformat(fit.trained_through),
        manifest=manifest,
        metrics=metrics,
        run=run,
    )
    ModelText.objects.bulk_create(
        ModelText(version=version, name=name, text=text, sha256=_sha256(text)) for name, text in fit.texts().items()
    )
    # These texts were a living model a moment ago: they need no trial.
    version.tried = _digest(version)
    version.save(update_fields=["tried"])
    return version


def load_fit(version: ModelVersion) -> Fit:
    """The fit of a version. Raises Refused: `model_damaged`, `contract_changed`.

    A text whose hash is wrong is never loaded; texts this installation has not used yet are first loaded in a process
    of their own, which may die of them.
    """
    return _load_fit(version.pk)


@lru_cache(maxsize=8)
def _load_fit(pk: int) -> Fit:
    version = ModelVersion.objects.get(pk=pk)
    texts = {}
    for row in version.texts.all():
        if _sha256(row.text) != row.sha256:
            raise Refused("model_damaged", version=version.number)
        texts[row.name] = row.text
    _check_contract(version)
    if version.tried != _digest(version):
        if not trial.survives(version.manifest, texts):
            raise Refused("model_damaged", version=version.number)
        version.tried = _digest(version)
        version.save(update_fields=["tried"])
    try:
        return Fit.load(version.manifest, texts)
    except (EngineError, KeyError, TypeError) as error:
        raise Refused("contract_changed", version=version.number) from error


def _check_contract(version: ModelVersion) -> None:
    recipe = RECIPES.get(version.recipe)
    if recipe is None or contract_hash(recipe) != version.contract:
        raise Refused("contract_changed", version=version.number)


@transaction.atomic
def serve(version: ModelVersion) -> None:
    """Let a version make the forecasts from now on; the one that did is retired."""
    Organisation.objects.select_for_update().get(pk=version.organisation_id)
    ModelVersion.objects.filter(organisation=version.organisation_id).serving().exclude(pk=version.pk).update(
        state=VersionState.RETIRED
    )
    version.state = VersionState.SERVING
    version.activated_at = timezone.now()
    version.save(update_fields=["state", "activated_at"])


def refuse(version: ModelVersion) -> None:
    version.state = VersionState.REFUSED
    version.save(update_fields=["state"])


def roll_back(version: ModelVersion, *, by: User | None) -> None:
    """Serve an earlier version again. Stored issues stay as they are. Raises Refused and changes nothing."""
    if version.state == VersionState.SERVING:
        raise Refused("already_serving", version=version.number)
    if not version.gate.get("passed"):
        raise Refused("was_refused", version=version.number)
    load_fit(version)
    with transaction.atomic():
        serve(version)
        version.gate = {**version.gate, "rolled_back_by": by.get_username() if by else ""}
        version.save(update_fields=["gate"])


def serving_version(organisation: Organisation) -> ModelVersion | None:
    return ModelVersion.objects.filter(organisation=organisation).serving().first()


def _digest(version: ModelVersion) -> str:
    """Of all that makes the fit; the hashes stand for the texts."""
    hashes = dict(version.texts.values_list("name", "sha256"))
    return _sha256(json.dumps([version.manifest, hashes], sort_keys=True))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
