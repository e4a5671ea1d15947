-- data source `orders`
CREATE OR REPLACE VIEW "governed"."orders" AS
SELECT /* redoubt {"fingerprint":"2cf18401b337c9ad44a56676360c7a9d","source":"orders"} */
  s."o_orderkey"
FROM "tpch"."public"."orders" AS s
CROSS JOIN (SELECT MAX(u.known) AS known, MAX(CASE WHEN (e.kind = 'group') AND (e.value IN ('finance')) THEN 1 ELSE 0 END) AS e1, MAX(CASE WHEN (e.kind = 'user') AND (e.value IN ('ada')) THEN 1 ELSE 0 END) AS e2, MAX(CASE WHEN (e.kind = 'approval') AND (e.value IN ('orders')) THEN 1 ELSE 0 END) AS e3, MAX(CASE WHEN (e.kind = 'purpose') AND (e.name = 'office') AND (e.value IN ('billing')) THEN 1 ELSE 0 END) AS e4, MAX(CASE WHEN (e.kind = 'group') AND (e.value IN ('audit')) THEN 1 ELSE 0 END) AS e5, MAX(CASE WHEN (e.kind = 'attribute') AND (e.name = 'training') AND (e.value IN ('privacy')) THEN 1 ELSE 0 END) AS e6 FROM "immuta_system"."user_entitlement" AS e CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u) AS p
WHERE (p.known > 0) AND ((p.e1 = 1) OR (p.e2 = 1) OR (p.e3 = 1)) AND ((p.e4 = 1) OR (p.e5 = 1)) AND (p.e6 = 1)
WITH NO SCHEMA BINDING;

-- data source `lineitem`
CREATE OR REPLACE VIEW "governed"."lineitem" AS
SELECT /* redoubt {"fingerprint":"48e771fe2aca026f16f4f5cf3dff7fb1","source":"lineitem"} */
  s."l_orderkey"
FROM "tpch"."public"."lineitem" AS s
CROSS JOIN (SELECT MAX(u.known) AS known, MAX(CASE WHEN (e.kind = 'purpose') AND (e.name = 'office') AND (e.value IN ('billing')) THEN 1 ELSE 0 END) AS e1, MAX(CASE WHEN (e.kind = 'group') AND (e.value IN ('audit')) THEN 1 ELSE 0 END) AS e2, MAX(CASE WHEN (e.kind = 'attribute') AND (e.name = 'training') AND (e.value IN ('privacy')) THEN 1 ELSE 0 END) AS e3 FROM "immuta_system"."user_entitlement" AS e CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u) AS p
WHERE (p.known > 0) AND ((p.e1 = 1) OR (p.e2 = 1)) AND (p.e3 = 1)
WITH NO SCHEMA BINDING;

-- data source `supplier`
CREATE OR REPLACE VIEW "governed"."supplier" AS
SELECT /* redoubt {"fingerprint":"5d2c81b86515900514fa37653b65431f","source":"supplier"} */
  s."s_suppkey"
FROM "tpch"."public"."supplier" AS s
CROSS JOIN (SELECT MAX(u.known) AS known, MAX(CASE WHEN (e.kind = 'approval') AND (e.value IN ('supplier')) THEN 1 ELSE 0 END) AS e1, MAX(CASE WHEN (e.kind = 'group') AND (e.value IN ('audit')) THEN 1 ELSE 0 END) AS e2, MAX(CASE WHEN (e.kind = 'attribute') AND (e.name = 'training') AND (e.value IN ('privacy')) THEN 1 ELSE 0 END) AS e3 FROM "immuta_system"."user_entitlement" AS e CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u) AS p
WHERE (p.known > 0) AND (p.e1 = 1) AND (p.e2 = 1) AND (p.e3 = 1)
WITH NO SCHEMA BINDING;
