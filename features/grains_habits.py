"""Grains of habits: gaps between days of use, weekdays and hours, long days of one login, first use of the core."""

from features.grain import Grain, age_of
from features.habits import quarter

HABIT = Grain(
    name="habit",
    windows="age",
    rows=f"""
SELECT snapshot_id, {{edge}} AS age, CAST(sum(weekdays) AS BIGINT) AS weekdays, CAST(sum(parts) AS BIGINT) AS parts,
       sum(long_days) AS long_days, sum(restless_days) AS restless_days, max(longest) AS longest
FROM (
  SELECT s.snapshot_id, {age_of("u.day")} AS age, u.weekdays, u.parts, u.long_days, u.restless_days, u.longest
  FROM looks s JOIN habit_day u ON u.account = s.account AND u.known_on < s.cutoff
   AND u.day >= s.cutoff - {{lookback}})
GROUP BY 1, 2""",
)

GAP = Grain(
    name="gap",
    windows="age",
    rows=f"""
SELECT s.snapshot_id, {age_of("g.day")} AS age, g.days
FROM looks s JOIN gap g ON g.account = s.account AND g.known_on < s.cutoff
 AND (g.void_on >= s.cutoff OR g.void_on IS NULL) AND g.day >= s.cutoff - {{lookback}}""",
)
"""Gaps between two days of use; their age is that of the day that ended them."""

FIRST_VALUE = Grain(
    name="first_value",
    needs=("accounts.created_at",),
    rows=f"""
SELECT s.snapshot_id,
       greatest(date_diff('day', CAST(min(a.created_at) AS DATE), coalesce(min(g.day), s.cutoff)), 0) AS days
FROM snapshots s JOIN accounts a ON a.account_id = s.account_id AND a.created_at < s.cutoff
JOIN (
  SELECT k.cutoff, min(f.day) AS day
  FROM (SELECT DISTINCT cutoff FROM snapshots) k JOIN fleet_day f ON f.known_on < k.cutoff
  GROUP BY k.cutoff) b ON b.cutoff = s.cutoff AND b.day <= CAST(a.created_at AS DATE)
LEFT JOIN (
  SELECT n.account_id, u.day, u.known_on, m.quarter
  FROM feature_begun u JOIN feature_mark m ON m.feature = u.feature AND m.core = 1
  JOIN account_number n ON n.account = u.account) g
  ON g.account_id = s.account_id AND g.known_on < s.cutoff AND g.quarter = {quarter("s.cutoff")}
GROUP BY s.snapshot_id, s.cutoff""",
)
"""Accounts created since the log of use begins: what came before it is not known."""

HABITS: tuple[Grain, ...] = (HABIT, GAP, FIRST_VALUE)
