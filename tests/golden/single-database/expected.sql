-- data source `customer`
CREATE OR REPLACE VIEW "governed"."customer" AS
SELECT /* redoubt {"fingerprint":"0b30c9876b3ab648f9dd4a5791f001f7","source":"customer"} */
  s."c_custkey"
FROM "public"."customer" AS s
CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS p
WHERE p.known > 0
WITH NO SCHEMA BINDING;

-- data source `elsewhere`
CREATE OR REPLACE VIEW "governed"."other_customer" AS
SELECT /* redoubt {"fingerprint":"9110ce10e7af11837fbb99555fc792ce","source":"elsewhere"} */
  s."c_custkey"
FROM "other"."public"."customer" AS s
CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS p
WHERE p.known > 0
WITH NO SCHEMA BINDING;
