-- data source `orders`
CREATE OR REPLACE VIEW "governed"."orders" AS
SELECT /* redoubt {"fingerprint":"0dd149547989675c513cb5847ef4481c","source":"orders"} */
  s."o_orderkey"
FROM "tpch"."public"."orders" AS s
CROSS JOIN (SELECT MAX(u.known) AS known, MAX(CASE WHEN (e.kind = 'group') AND (e.value IN ('analysts')) THEN 1 ELSE 0 END) AS e1, MAX(k.salt) AS salt FROM "immuta_system"."user_entitlement" AS e CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u CROSS JOIN (SELECT MAX(m.salt) AS salt FROM "immuta_system"."masking_key" AS m WHERE (m.source = 'orders') AND (m.column_name = '*')) AS k) AS p
WHERE (p.known > 0) AND ((p.e1 = 1) OR (MOD(STRTOL(SUBSTRING(SHA2(p.salt || CAST(s."o_orderkey" AS VARCHAR(40)), 256), 1, 15), 16), 10000) < 1000))
WITH NO SCHEMA BINDING;

-- data source `codes`
CREATE OR REPLACE VIEW "governed"."codes" AS
SELECT /* redoubt {"fingerprint":"b0dc43a98801bc65a1a3cb439866028a","source":"codes"} */
  s."code"
FROM "tpch"."public"."codes" AS s
CROSS JOIN (SELECT MAX(u.known) AS known, MAX(CASE WHEN (e.kind = 'group') AND (e.value IN ('analysts')) THEN 1 ELSE 0 END) AS e1, MAX(k.salt) AS salt FROM "immuta_system"."user_entitlement" AS e CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u CROSS JOIN (SELECT MAX(m.salt) AS salt FROM "immuta_system"."masking_key" AS m WHERE (m.source = 'codes') AND (m.column_name = '*')) AS k) AS p
WHERE (p.known > 0) AND ((p.e1 = 1) OR (MOD(STRTOL(SUBSTRING(SHA2(p.salt || CAST(s."code" AS VARCHAR(8)), 256), 1, 15), 16), 10000) < 1000)) AND (MOD(STRTOL(SUBSTRING(SHA2(p.salt || CAST(s."code" AS VARCHAR(8)), 256), 1, 15), 16), 10000) < 29) AND (MOD(STRTOL(SUBSTRING(SHA2(p.salt || CAST(s."code" AS VARCHAR(8)), 256), 1, 15), 16), 10000) < 9999)
WITH NO SCHEMA BINDING;
