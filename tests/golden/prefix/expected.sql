-- data source `customer`
CREATE OR REPLACE VIEW "secured"."customer" AS
SELECT /* redoubt {"fingerprint":"5473cf2bb30f8ac368be2bf1ddc436e8","source":"customer"} */
  CAST(CASE WHEN p.e1 = 1 THEN s."c_phone" ELSE SHA2(p.salt || s."c_phone", 256) END AS VARCHAR(64)) AS "c_phone",
  s."c_nation"
FROM "tpch"."public"."customer" AS s
CROSS JOIN (SELECT MAX(u.known) AS known, MAX(CASE WHEN (e.kind = 'group') AND (e.value IN ('support')) THEN 1 ELSE 0 END) AS e1, MAX(k.salt) AS salt FROM "acme_2_system"."user_entitlement" AS e CROSS JOIN (SELECT COUNT(*) AS known FROM "acme_2_system"."user_profile" AS f) AS u CROSS JOIN (SELECT MAX(m.salt) AS salt FROM "acme_2_system"."masking_key" AS m WHERE (m.source = 'customer') AND (m.column_name = '*')) AS k) AS p
WHERE (p.known > 0) AND (s."c_nation" IN (SELECT e.value AS value FROM "acme_2_system"."user_entitlement" AS e WHERE e.kind = 'group'))
WITH NO SCHEMA BINDING;
