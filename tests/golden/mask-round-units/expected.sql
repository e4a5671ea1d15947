-- data source `events`
CREATE OR REPLACE VIEW "governed"."events" AS
SELECT /* redoubt {"fingerprint":"6adf3500f676a15baf6764eef6e2e729","source":"events"} */
  CAST(NULL AS DATE) AS "d_hour",
  CAST(DATE_TRUNC('hour', s."t_hour") AS TIMESTAMP) AS "t_hour",
  CAST(NULL AS DATE) AS "d_day",
  CAST(DATE_TRUNC('day', s."t_day") AS TIMESTAMPTZ) AS "t_day",
  CAST(DATE_TRUNC('week', s."d_week") AS DATE) AS "d_week",
  CAST(DATE_TRUNC('month', s."d_month") AS DATE) AS "d_month",
  CAST(DATE_TRUNC('quarter', s."d_quarter") AS DATE) AS "d_quarter",
  CAST(DATE_TRUNC('quarter', s."t_quarter") AS TIMESTAMP) AS "t_quarter",
  CAST(DATE_TRUNC('year', s."d_year") AS DATE) AS "d_year",
  CAST(s."n_year" - MOD(s."n_year", 10) AS INTEGER) AS "n_year"
FROM "tpch"."public"."events" AS s
CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS p
WHERE p.known > 0
WITH NO SCHEMA BINDING;
