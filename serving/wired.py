"""What Ebb knows as it goes over the wire: records become the bodies of `serving.wire`."""

from dataclasses import asdict

from serving import wire, wire_sent
from serving.book import Run, Score
from serving.changes import Changes, told
from serving.explained import Explained
from serving.jobs import Job
from serving.outlook import Outlook
from serving.worklist import Item


def account_score(score: Score, run: Run) -> wire.AccountScore:
    """A score as it goes over the wire."""
    return wire.AccountScore(
        account_id=score.account_id,
        risk=score.risk,
        band=score.band,
        arr=score.arr,
        arr_at_risk=score.arr_at_risk,
        renewal_date=score.ends_on,
        days_to_renewal=score.days_to_renewal,
        base=score.base,
        plan=score.plan,
        drivers=drivers(score),
        model_name=run.model_name,
        model_version=run.model_version,
        cutoff=run.cutoff,
    )


def drivers(score: Score) -> list[wire.Driver]:
    """The drivers of a score as they go over the wire."""
    return [wire.Driver.model_validate(reason, from_attributes=True) for reason in score.reasons]


def listed(item: Item) -> wire.ListedAccount:
    """A line of the worklist as it goes over the wire."""
    score = item.score
    return wire.ListedAccount(
        account_id=score.account_id,
        name=score.name,
        owner=score.owner,
        segment=score.segment,
        plan=score.plan,
        risk=score.risk,
        band=score.band,
        arr=score.arr,
        arr_at_risk=score.arr_at_risk,
        renewal_date=score.ends_on,
        days_to_renewal=score.days_to_renewal,
        temperature=None if item.temperature is None else item.temperature.value,
        risk_before=None if item.changes is None else item.changes.risk_before,
        changed=[] if item.changes is None else list(told(item.changes)),
        reasons=list(item.reasons),
        play=item.play.name,
        todo=item.todo,
        due=None if item.lot is None else item.lot.due_on,
        left_out=item.left_out,
    )


def account(found: Explained, stale: str | None = None) -> wire.Account:
    """One account with its past as it goes over the wire."""
    score, item = found.score, found.item
    past = [
        wire.PastRisk(cutoff=then.cutoff, made_at=then.made_at, risk=risk, model_version=then.model_version)
        for then, risk in found.history
    ]
    return wire.Account(
        name=score.name,
        owner=score.owner,
        segment=score.segment,
        contract_id=score.contract_id,
        score=account_score(score, found.run),
        history=past,
        changes=None if found.changes is None else _changes(found.changes),
        levers=[wire.Lever.model_validate(lever, from_attributes=True) for lever in found.levers],
        temperature=_temperature(found),
        no_temperature=found.no_temperature,
        survival=[wire.Alive(on=on, chance=chance) for on, chance in found.survival],
        play=item.play.name,
        todo=item.todo,
        due=None if item.lot is None else item.lot.due_on,
        left_out=item.left_out,
        steps=[] if item.left_out else list(item.play.steps),
        stale=stale,
    )


def job(found: Job) -> wire_sent.Job:
    """A job as it goes over the wire; which process does it is nobody's business."""
    told = asdict(found)
    return wire_sent.Job.model_validate({name: told[name] for name in wire_sent.Job.model_fields})


def forecast(found: Outlook, run: Run, stale: str | None = None) -> wire.Forecast:
    """A forecast as it goes over the wire."""
    return wire.Forecast(
        cutoff=found.cutoff,
        since=found.since,
        grr=found.grr,
        nrr=found.nrr,
        usable=run.usable,
        stale=stale,
        months=[wire.Month.model_validate(asdict(month)) for month in found.months],
    )


def _temperature(found: Explained) -> wire.Temperature | None:
    warm, warmth = found.temperature, found.warmth
    if warm is None or warmth is None:
        return None
    return wire.Temperature(
        value=warm.value,
        horizon_days=warmth.horizon_days,
        base=warm.base,
        drivers=[wire.Driver.model_validate(reason, from_attributes=True) for reason in warm.reasons],
        model_name=warmth.model_name,
        model_version=warmth.model_version,
    )


def _changes(found: Changes) -> wire.Changes:
    return wire.Changes(
        since=found.since,
        risk_before=found.risk_before,
        base=found.base,
        families=[wire.Change.model_validate(one, from_attributes=True) for one in found.families],
        incomparable=found.incomparable,
    )
