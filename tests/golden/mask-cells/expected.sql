-- data source `customer`
CREATE OR REPLACE VIEW "governed"."customer" AS
SELECT /* redoubt {"fingerprint":"bf6b9c15997853382deaa9b8e53c6efb","source":"customer"} */
  CAST(CASE WHEN NOT ((s."c_acctbal" < 0) OR s."c_vip") THEN s."c_name" WHEN p.e1 = 1 THEN s."c_name" ELSE SHA2(p.salt || s."c_name", 256) END AS VARCHAR(64)) AS "c_name",
  CAST(CASE WHEN NOT ((s."c_name" LIKE 'A%') AND (NOT (s."c_since" BETWEEN CAST('2020-01-01' AS DATE) AND CAST('2020-12-31' AS DATE)))) THEN s."c_acctbal" ELSE CAST(s."c_acctbal" - MOD(s."c_acctbal", 1000) AS DECIMAL(12,2)) END AS DECIMAL(12,2)) AS "c_acctbal",
  s."c_since",
  s."c_vip"
FROM "tpch"."public"."customer" AS s
CROSS JOIN (SELECT MAX(u.known) AS known, MAX(CASE WHEN (e.kind = 'group') AND (e.value IN ('collectors')) THEN 1 ELSE 0 END) AS e1, MAX(k.salt) AS salt FROM "immuta_system"."user_entitlement" AS e CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u CROSS JOIN (SELECT MAX(m.salt) AS salt FROM "immuta_system"."masking_key" AS m WHERE (m.source = 'customer') AND (m.column_name = '*')) AS k) AS p
WHERE p.known > 0
WITH NO SCHEMA BINDING;
