"""Grains of small tables: opportunities, costs, the people listed and their administrators, traits."""

from features.grain import Grain, age_of

ADMINISTRATOR = "(lower(m.role) LIKE '%admin%' OR lower(m.role) = 'owner')"
"""Who counts as an administrator, by the role in `users`; a role is what it is today, for nobody keeps when it came."""

NEVER_SEEN = 731
"""Days since the last use of somebody who was not seen as far as a snapshot looks back."""

OPPORTUNITY = Grain(
    name="opportunity",
    windows="age",
    needs=("opportunities.opportunity_id",),
    rows=f"""
SELECT s.snapshot_id, {age_of("CAST(o.opened_at AS DATE)")} AS age, coalesce(o.closed_at >= s.cutoff, true) AS open,
       o.amount
FROM snapshots s JOIN opportunities o ON o.account_id = s.account_id AND o.known_at < s.cutoff""",
)

DEAL = Grain(
    name="deal",
    windows="age",
    needs=("opportunities.closed_at",),
    rows=f"""
SELECT s.snapshot_id, {age_of("CAST(o.closed_at AS DATE)")} AS age, o.won, o.amount
FROM snapshots s JOIN opportunities o ON o.account_id = s.account_id AND o.known_at < s.cutoff
 AND o.closed_at < s.cutoff""",
)
"""Opportunities that were decided; their age is that of the decision."""

COST = Grain(
    name="cost",
    windows="age",
    needs=("costs.cost_to_serve",),
    rows=f"""
SELECT s.snapshot_id, {age_of("CAST(c.known_at AS DATE)")} AS age, c.cost_to_serve
FROM snapshots s JOIN costs c ON c.account_id = s.account_id AND c.known_at < s.cutoff""",
)
"""What months cost; the age of a month is that of its end, when its cost is known."""

MEMBER = Grain(
    name="member",
    windows="age",
    needs=("users.created_at",),
    rows=f"""
SELECT s.snapshot_id, {age_of("CAST(m.created_at AS DATE)")} AS age
FROM snapshots s JOIN users m ON m.account_id = s.account_id AND m.known_at < s.cutoff""",
)

ADMIN = Grain(
    name="admin",
    windows="mask",
    needs=("users.role", "events.user_id"),
    rows=f"""
SELECT snapshot_id, user_id, bit_or({{bit}}) AS mask, coalesce(min(age), {NEVER_SEEN}) AS last_age
FROM (
  SELECT s.snapshot_id, m.user_id, CAST(NULL AS BIGINT) AS age
  FROM snapshots s JOIN users m ON m.account_id = s.account_id AND m.known_at < s.cutoff
  WHERE {ADMINISTRATOR}
  UNION ALL
  SELECT s.snapshot_id, m.user_id, {age_of("u.day")} AS age
  FROM user_day u JOIN account_number n ON n.account = u.account
  JOIN users m ON m.account_id = n.account_id AND hash(m.user_id) = u.person
  JOIN snapshots s ON s.account_id = m.account_id AND m.known_at < s.cutoff AND u.known_on < s.cutoff
   AND u.day >= s.cutoff - {{lookback}}
  WHERE u.events > 0 AND {ADMINISTRATOR})
GROUP BY snapshot_id, user_id""",
)
"""Administrators listed, whether they were ever seen or not."""

HELD = "traits_held"
"""The table of traits with the time until which each row holds (`features.traits`)."""

TRAIT = Grain(
    name="trait",
    rows=f"""
SELECT s.snapshot_id, t.*
FROM snapshots s JOIN {HELD} t ON t.account_id = s.account_id AND t.known_at < s.cutoff
 AND (t.known_until >= s.cutoff OR t.known_until IS NULL)""",
)

COMMERCIAL: tuple[Grain, ...] = (OPPORTUNITY, DEAL, COST, MEMBER, ADMIN, TRAIT)
