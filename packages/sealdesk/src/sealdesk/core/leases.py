"""Work that lies in rows is claimed for a time: whoever claims it does it, and what a dead worker left is found again.

For models with `leased_until` (a time or null) and `leased_by` (text). A claim is a conditional update, so that no two
workers get the same row; on PostgreSQL rows that somebody else is just claiming are passed over without waiting.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import connections, models, router, transaction
from django.db.models import Q, QuerySet

from sealdesk.core import clock


def claim(queryset: QuerySet[Any], *, by: str, seconds: int, limit: int) -> list[Any]:
    """Primary keys of up to `limit` rows that now belong to `by` alone, in the queryset's order.

    `by` names one worker and is used by no other; after `seconds` the rows may be claimed by anybody.
    """
    now = clock.now()
    until = now + timedelta(seconds=seconds)
    database = router.db_for_write(queryset.model)
    with transaction.atomic(using=database):
        chosen = list(_locked(queryset.using(database).filter(_free(now))).values_list("pk", flat=True)[:limit])
        rows = _rows(queryset.model).using(database).filter(pk__in=chosen)
        claimed = rows.filter(_free(now)).update(leased_until=until, leased_by=by)
        if claimed == len(chosen):
            return chosen
        mine = set(rows.filter(leased_by=by, leased_until=until).values_list("pk", flat=True))
    return [pk for pk in chosen if pk in mine]


def renew(model: type[models.Model], pks: Iterable[Any], *, by: str, seconds: int) -> int:
    """Keeps rows for `seconds` from now; how many still belong to `by`; the others are somebody else's."""
    now = clock.now()
    rows = _rows(model).filter(pk__in=list(pks), leased_by=by, leased_until__gt=now)
    return rows.update(leased_until=now + timedelta(seconds=seconds))


def release(model: type[models.Model], pks: Iterable[Any], *, by: str) -> int:
    """Gives rows back before their time; how many. Those that belong to somebody else by now are left alone."""
    return _rows(model).filter(pk__in=list(pks), leased_by=by).update(leased_until=None, leased_by="")


def _free(now: datetime) -> Q:
    return Q(leased_until__isnull=True) | Q(leased_until__lte=now)


def _locked(queryset: QuerySet[Any]) -> QuerySet[Any]:
    if connections[queryset.db].features.has_select_for_update_skip_locked:
        return queryset.select_for_update(skip_locked=True, of=("self",))
    return queryset


def _rows(model: type[models.Model]) -> QuerySet[Any]:
    return model._base_manager.all()  # noqa: SLF001 -- Django's documented model API
