-- data source `customer`
CREATE OR REPLACE VIEW "governed"."customer" AS
SELECT /* redoubt {"fingerprint":"1b124903c247d3e08961ebc8204a8c36","source":"customer"} */
  s."c_custkey"
FROM "tpch"."public"."customer" AS s
CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u
CROSS JOIN (SELECT MAX(CASE WHEN (e.kind = 'approval') AND (e.value IN ('customer')) THEN 1 ELSE 0 END) AS e1 FROM "immuta_system"."user_entitlement" AS e) AS p
WHERE (u.known > 0) AND (p.e1 = 1)
WITH NO SCHEMA BINDING;
