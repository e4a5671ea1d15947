-- data source `customer`
CREATE OR REPLACE VIEW "governed"."customer" AS
SELECT /* redoubt {"fingerprint":"14ee22265f303eda5e01641c038cf53e","source":"customer"} */
  CAST(CASE WHEN p.e1 = 1 THEN s."c_phone" WHEN p.e2 = 1 THEN CASE WHEN LENGTH(s."c_phone") > 4 THEN REPEAT('*', LENGTH(s."c_phone") - 4) || RIGHT(s."c_phone", 4) ELSE REPEAT('*', LENGTH(s."c_phone")) END WHEN p.e3 = 1 THEN SHA2(p.salt || CAST(s."c_phone" AS VARCHAR(15)), 256) ELSE CAST('hidden' AS VARCHAR(64)) END AS VARCHAR(64)) AS "c_phone",
  CAST(CASE WHEN p.e4 = 1 THEN CAST(s."c_acctbal" - MOD(s."c_acctbal", 100) AS DECIMAL(12,2)) ELSE CAST(NULL AS DECIMAL(12,2)) END AS DECIMAL(12,2)) AS "c_acctbal"
FROM "tpch"."public"."customer" AS s
CROSS JOIN (SELECT MAX(u.known) AS known, MAX(CASE WHEN (e.kind = 'group') AND (e.value IN ('support')) THEN 1 ELSE 0 END) AS e1, MAX(CASE WHEN (e.kind = 'attribute') AND (e.name = 'country') AND (e.value IN ('DE')) THEN 1 ELSE 0 END) AS e2, MAX(CASE WHEN (e.kind = 'group') AND (e.value IN ('analysts')) THEN 1 ELSE 0 END) AS e3, MAX(CASE WHEN (e.kind = 'group') AND (e.value IN ('finance')) THEN 1 ELSE 0 END) AS e4, MAX(k.salt) AS salt FROM "immuta_system"."user_entitlement" AS e CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u CROSS JOIN (SELECT MAX(m.salt) AS salt FROM "immuta_system"."masking_key" AS m WHERE (m.source = 'customer') AND (m.column_name = '*')) AS k) AS p
WHERE p.known > 0
WITH NO SCHEMA BINDING;
