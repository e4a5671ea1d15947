-- data source `customer`
CREATE OR REPLACE VIEW "governed"."customer" AS
SELECT /* redoubt {"fingerprint":"277c793e6b953cea1b3d5eb6393eeb09","source":"customer"} */
  CAST(CASE WHEN p.e1 = 1 THEN s."by_group" ELSE CAST(NULL AS VARCHAR(10)) END AS VARCHAR(10)) AS "by_group",
  CAST(CASE WHEN p.e2 = 1 THEN s."by_attribute" ELSE SHA2(p.salt || s."by_attribute", 256) END AS VARCHAR(64)) AS "by_attribute",
  CAST(CASE WHEN p.e3 = 1 THEN s."by_purpose" ELSE CAST(NULL AS VARCHAR(10)) END AS VARCHAR(10)) AS "by_purpose",
  CAST(CASE WHEN (p.e1 = 1) OR (p.e4 = 1) THEN s."by_any" ELSE CAST(NULL AS VARCHAR(10)) END AS VARCHAR(10)) AS "by_any",
  CAST(CASE WHEN (p.e1 = 1) AND (p.e3 = 1) THEN s."by_all" ELSE CAST(NULL AS VARCHAR(10)) END AS VARCHAR(10)) AS "by_all",
  CAST(CASE WHEN (p.e4 = 1) AND ((p.e3 = 1) OR (p.e1 = 1)) THEN s."nested" ELSE CAST(NULL AS VARCHAR(10)) END AS VARCHAR(10)) AS "nested"
FROM "tpch"."public"."customer" AS s
CROSS JOIN (SELECT MAX(u.known) AS known, MAX(CASE WHEN (e.kind = 'group') AND (e.value IN ('support')) THEN 1 ELSE 0 END) AS e1, MAX(CASE WHEN (e.kind = 'attribute') AND (e.name = 'country') AND (e.value IN ('DE', 'FR')) THEN 1 ELSE 0 END) AS e2, MAX(CASE WHEN (e.kind = 'purpose') AND (e.name = 'office') AND (e.value IN ('billing')) THEN 1 ELSE 0 END) AS e3, MAX(CASE WHEN (e.kind = 'group') AND (e.value IN ('audit')) THEN 1 ELSE 0 END) AS e4, MAX(k.salt) AS salt FROM "immuta_system"."user_entitlement" AS e CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u CROSS JOIN (SELECT MAX(m.salt) AS salt FROM "immuta_system"."masking_key" AS m WHERE (m.source = 'customer') AND (m.column_name = '*')) AS k) AS p
WHERE p.known > 0
WITH NO SCHEMA BINDING;
