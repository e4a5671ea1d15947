-- data source `customer`
CREATE OR REPLACE VIEW "governed"."customer" AS
SELECT /* redoubt {"fingerprint":"8619d9a74838b5cdf08b99b6005f12b4","source":"customer"} */
  CAST(CASE WHEN (p.e1 = 1) OR (p.e1 = 1) OR (p.e2 = 1) THEN s."c_custkey" ELSE CAST(STRTOL(SUBSTRING(SHA2(p.salt || CAST(s."c_custkey" AS VARCHAR(40)), 256), 1, 15), 16) AS BIGINT) END AS BIGINT) AS "c_custkey",
  CAST(CASE WHEN (p.e1 = 1) OR (p.e1 = 1) OR (p.e2 = 1) THEN s."c_phone" ELSE SHA2(p.salt || s."c_phone", 256) END AS VARCHAR(64)) AS "c_phone",
  s."c_nation"
FROM "tpch"."public"."customer" AS s
CROSS JOIN (SELECT MAX(u.known) AS known, MAX(CASE WHEN (e.kind = 'group') AND (e.value IN ('support')) THEN 1 ELSE 0 END) AS e1, MAX(CASE WHEN (e.kind = 'attribute') AND (e.name = 'training') AND (e.value IN ('a', 'b')) THEN 1 ELSE 0 END) AS e2, MAX(CASE WHEN (e.kind = 'group') AND (e.value IN ('audit')) THEN 1 ELSE 0 END) AS e3, MAX(k.salt) AS salt FROM "immuta_system"."user_entitlement" AS e CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u CROSS JOIN (SELECT MAX(m.salt) AS salt FROM "immuta_system"."masking_key" AS m WHERE (m.source = 'customer') AND (m.column_name = '*')) AS k) AS p
LEFT JOIN (SELECT DISTINCT e.value AS value FROM "immuta_system"."user_entitlement" AS e WHERE (e.kind = 'attribute') AND (e.name = 'nation')) AS r1 ON r1.value = s."c_nation"
WHERE (p.known > 0) AND (p.e1 = 1) AND (p.e2 = 1) AND ((p.e1 = 1) OR (r1.value IS NOT NULL)) AND ((p.e3 = 1) OR (r1.value IS NOT NULL)) AND (MOD(STRTOL(SUBSTRING(SHA2(p.salt || CAST(s."c_custkey" AS VARCHAR(40)), 256), 1, 15), 16), 10000) < 5000)
WITH NO SCHEMA BINDING;
