-- looks
SELECT s.snapshot_id, s.cutoff, s.starts_on, n.account
FROM snapshots s JOIN account_number n ON n.account_id = s.account_id
ORDER BY s.snapshot_id;

-- dawns
SELECT
  (SELECT user_id FROM event_dawn) AS knows_events_user_id;

-- user_grain
SELECT snapshot_id,
  count(*) FILTER (WHERE (mask & 1) <> 0 AND true) AS active_users_7d,
  count(*) FILTER (WHERE (mask & 3) <> 0 AND true) AS active_users_28d,
  count(*) FILTER (WHERE (mask & 4) <> 0 AND true) AS active_users_28d_before
FROM (
SELECT snapshot_id, person, bit_or(CASE WHEN age <= 7 THEN 1 WHEN age <= 28 THEN 2 WHEN age <= 56 THEN 4 ELSE 0 END) AS mask, min(age) AS last_age,
       sum(CASE WHEN age <= 28 THEN events ELSE 0 END) AS events_28,
       sum(CASE WHEN age <= 84 THEN events ELSE 0 END) AS events_84,
       sum(CASE WHEN age <= 182 THEN events ELSE 0 END) AS events_182,
       sum(CASE WHEN age <= 364 THEN events ELSE 0 END) AS events_364
FROM (
  SELECT s.snapshot_id, u.person, u.events, date_diff('day', u.day, s.cutoff) AS age
  FROM looks s JOIN user_day u ON u.account = s.account AND u.known_on < s.cutoff
   AND u.day >= s.cutoff - 56
  WHERE u.person IS NOT NULL AND u.events > 0)
GROUP BY snapshot_id, person)
GROUP BY snapshot_id;

-- the signals
SELECT snapshot_id,
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
);
