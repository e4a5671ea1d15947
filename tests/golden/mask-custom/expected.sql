-- data source `customer`
CREATE OR REPLACE VIEW "governed"."customer" AS
SELECT /* redoubt {"fingerprint":"b0084a240c66fc0f384a1b4c9f1ab877","source":"customer"} */
  CAST(CAST((TRANSLATE(LEFT(s."c_name", 1), 'abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ') || '.') || COALESCE(RIGHT(BTRIM(CAST(s."c_phone" AS VARCHAR(15))), 2), '?') AS VARCHAR(25)) AS VARCHAR(25)) AS "c_name",
  CAST((REPLACE(CAST(s."c_phone" AS VARCHAR(15)), '-', '') || ' (') || (CAST(LENGTH(CAST(s."c_phone" AS VARCHAR(15))) AS VARCHAR(20)) || ')') AS VARCHAR(38)) AS "c_phone",
  CAST(CAST(CASE WHEN s."c_acctbal" < 0 THEN CAST(-1 AS DECIMAL(8,0)) WHEN s."c_acctbal" > 1000.5 THEN CAST(1000 AS DECIMAL(8,0)) ELSE CAST(s."c_orders" AS DECIMAL(5,0)) * CAST(10 AS DECIMAL(2,0)) END AS DECIMAL(12,2)) AS DECIMAL(12,2)) AS "c_acctbal",
  CAST(CASE WHEN p.e1 = 1 THEN s."c_orders" ELSE CAST(CASE WHEN ((CAST(s."c_orders" AS DECIMAL(5,0)) * CAST(2 AS DECIMAL(1,0))) + CAST(1 AS DECIMAL(1,0))) BETWEEN (-32768) AND 32767 THEN CAST((CAST(s."c_orders" AS DECIMAL(5,0)) * CAST(2 AS DECIMAL(1,0))) + CAST(1 AS DECIMAL(1,0)) AS SMALLINT) ELSE CAST(NULL AS SMALLINT) END AS SMALLINT) END AS SMALLINT) AS "c_orders",
  CAST(CAST(DATE_TRUNC('quarter', CAST(s."c_since" AS TIMESTAMP)) AS DATE) AS DATE) AS "c_since",
  CAST(CAST(s."c_since" AS TIMESTAMP) AS TIMESTAMP) AS "c_seen",
  CAST((s."c_acctbal" IS NOT NULL) AND (s."c_name" IN ('Ann', 'it''s')) AS BOOLEAN) AS "c_vip"
FROM "tpch"."public"."customer" AS s
CROSS JOIN (SELECT MAX(u.known) AS known, MAX(CASE WHEN (e.kind = 'group') AND (e.value IN ('sales')) THEN 1 ELSE 0 END) AS e1 FROM "immuta_system"."user_entitlement" AS e CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u) AS p
WHERE p.known > 0
WITH NO SCHEMA BINDING;
