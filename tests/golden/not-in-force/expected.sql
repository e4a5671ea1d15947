-- data source `customer`
CREATE OR REPLACE VIEW "governed"."customer" AS
SELECT /* redoubt {"fingerprint":"05c44d942bf4e374bc4cf917f4d8a9cd","source":"customer"} */
  s."c_name"
FROM "tpch"."public"."customer" AS s
CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u
WHERE u.known > 0
WITH NO SCHEMA BINDING;
-- policy `disabled`: not in force
-- policy `for-others`: not in force
-- policy `staged`: not in force

-- data source `supplier`
CREATE OR REPLACE VIEW "governed"."supplier" AS
SELECT /* redoubt {"fingerprint":"e057d6e73da84f62b56fcd0c54006d95","source":"supplier"} */
  CAST(NULL AS VARCHAR(25)) AS "c_name"
FROM "tpch"."public"."supplier" AS s
CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u
WHERE u.known > 0
WITH NO SCHEMA BINDING;
-- policy `disabled`: not in force
-- policy `staged`: not in force
