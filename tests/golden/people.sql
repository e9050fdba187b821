-- dawns
SELECT
  (SELECT min(known_on) FROM usage WHERE user_id IS NOT NULL) AS knows_events_user_id;

-- user_grain
SELECT snapshot_id,
  count(*) FILTER (WHERE (mask & 1) <> 0 AND true) AS active_users_7d,
  count(*) FILTER (WHERE (mask & 7) <> 0 AND true) AS active_users_28d,
  count(*) FILTER (WHERE (mask & 8) <> 0 AND true) AS active_users_28d_before
FROM (
SELECT snapshot_id, user_id, bit_or(bit) AS mask, min(age) AS last_age, max(age) AS first_age,
       coalesce(sum(events) FILTER (WHERE age <= 28), 0) AS events_28,
       coalesce(sum(events) FILTER (WHERE age <= 84), 0) AS events_84,
       coalesce(sum(events) FILTER (WHERE age <= 182), 0) AS events_182,
       coalesce(sum(events) FILTER (WHERE age <= 364), 0) AS events_364
FROM (SELECT *, CASE WHEN age <= 7 THEN 1 WHEN age <= 14 THEN 2 WHEN age <= 28 THEN 4 WHEN age <= 56 THEN 8 WHEN age <= 730 THEN 16 ELSE 0 END AS bit FROM (
  SELECT s.snapshot_id, u.user_id, u.events, date_diff('day', u.day, s.cutoff) AS age
  FROM snapshots s JOIN user_day u ON u.account_id = s.account_id AND u.known_on < s.cutoff
   AND u.day >= s.cutoff - 730))
GROUP BY snapshot_id, user_id)
GROUP BY snapshot_id;

-- the signals
SELECT
  CAST(active_users_7d AS DOUBLE) AS active_users_7d,
  CAST(active_users_28d AS DOUBLE) AS active_users_28d,
  CAST(change_28d AS DOUBLE) AS change_28d
FROM (
SELECT *,
  CASE WHEN knows_events_user_id THEN (active_users_28d - active_users_28d_before) END AS change_28d
FROM (
SELECT s.snapshot_id, s.knows_events_user_id,
  CASE WHEN knows_events_user_id THEN coalesce(CAST(user_grain.active_users_7d AS DOUBLE), 0) END AS active_users_7d,
  CASE WHEN knows_events_user_id THEN coalesce(CAST(user_grain.active_users_28d AS DOUBLE), 0) END AS active_users_28d,
  CASE WHEN knows_events_user_id THEN coalesce(CAST(user_grain.active_users_28d_before AS DOUBLE), 0) END AS active_users_28d_before
FROM (SELECT p.snapshot_id, p.cutoff, d.knows_events_user_id < p.cutoff AS knows_events_user_id FROM snapshots p CROSS JOIN dawns d) s
LEFT JOIN user_grain ON user_grain.snapshot_id = s.snapshot_id
)
)
ORDER BY snapshot_id;
