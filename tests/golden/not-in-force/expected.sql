-- data source `customer`
CREATE OR REPLACE VIEW "governed"."customer" AS
SELECT /* redoubt {"fingerprint":"6044fdfaa6c517e6b27a289c483a2448","source":"customer"} */
  s."c_name"
FROM "tpch"."public"."customer" AS s
CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS p
WHERE p.known > 0
WITH NO SCHEMA BINDING;
-- policy `disabled`: not in force
-- policy `for-others`: not in force
-- policy `staged`: not in force

-- data source `supplier`
CREATE OR REPLACE VIEW "governed"."supplier" AS
SELECT /* redoubt {"fingerprint":"69ab62af828a37f1c003764cf435afe7","source":"supplier"} */
  CAST(NULL AS VARCHAR(25)) AS "c_name"
FROM "tpch"."public"."supplier" AS s
CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS p
WHERE p.known > 0
WITH NO SCHEMA BINDING;
-- policy `disabled`: not in force
-- policy `staged`: not in force
