-- data source `customer`
CREATE OR REPLACE VIEW "governed"."customer" AS
SELECT /* redoubt {"fingerprint":"220ed0d28a3fbbc07309212d66b55bfb","source":"customer"} */
  CAST(CASE WHEN p.e1 = 1 THEN s."c_phone" ELSE CAST(NULL AS VARCHAR(15)) END AS VARCHAR(15)) AS "c_phone"
FROM "tpch"."public"."customer" AS s
CROSS JOIN (SELECT MAX(u.known) AS known, MAX(CASE WHEN (e.kind = 'attribute') AND (e.name = 'country') AND (e.value IN ('DE')) THEN 1 ELSE 0 END) AS e1, MAX(CASE WHEN (e.kind = 'user') AND (e.value IN ('ada')) THEN 1 ELSE 0 END) AS e2 FROM "immuta_system"."user_entitlement" AS e CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u) AS p
WHERE (p.known > 0) AND (p.e2 = 1)
WITH NO SCHEMA BINDING;
