-- data source `orders`
CREATE OR REPLACE VIEW "governed"."orders" AS
SELECT /* redoubt {"fingerprint":"8ba515c7c59a748249ebd9951a231afc","source":"orders"} */
  s."o_orderkey"
FROM "tpch"."public"."orders" AS s
CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u
CROSS JOIN (SELECT MAX(CASE WHEN (e.kind = 'group') AND (e.value IN ('analysts')) THEN 1 ELSE 0 END) AS e1 FROM "immuta_system"."user_entitlement" AS e) AS p
CROSS JOIN (SELECT MAX(m.salt) AS salt FROM "immuta_system"."masking_key" AS m WHERE (m.source = 'orders') AND (m.column_name = '*')) AS k
WHERE (u.known > 0) AND ((p.e1 = 1) OR (MOD(STRTOL(SUBSTRING(SHA2(k.salt || CAST(s."o_orderkey" AS VARCHAR(40)), 256), 1, 15), 16), 10000) < 1000))
WITH NO SCHEMA BINDING;

-- data source `codes`
CREATE OR REPLACE VIEW "governed"."codes" AS
SELECT /* redoubt {"fingerprint":"07a644291bf652e7b0dae46ffc0eed56","source":"codes"} */
  s."code"
FROM "tpch"."public"."codes" AS s
CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u
CROSS JOIN (SELECT MAX(CASE WHEN (e.kind = 'group') AND (e.value IN ('analysts')) THEN 1 ELSE 0 END) AS e1 FROM "immuta_system"."user_entitlement" AS e) AS p
CROSS JOIN (SELECT MAX(m.salt) AS salt FROM "immuta_system"."masking_key" AS m WHERE (m.source = 'codes') AND (m.column_name = '*')) AS k
WHERE (u.known > 0) AND ((p.e1 = 1) OR (MOD(STRTOL(SUBSTRING(SHA2(k.salt || CAST(s."code" AS VARCHAR(8)), 256), 1, 15), 16), 10000) < 1000)) AND (MOD(STRTOL(SUBSTRING(SHA2(k.salt || CAST(s."code" AS VARCHAR(8)), 256), 1, 15), 16), 10000) < 29) AND (MOD(STRTOL(SUBSTRING(SHA2(k.salt || CAST(s."code" AS VARCHAR(8)), 256), 1, 15), 16), 10000) < 9999)
WITH NO SCHEMA BINDING;
