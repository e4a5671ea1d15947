-- data source `customer`
CREATE OR REPLACE VIEW "governed"."customer" AS
SELECT /* redoubt {"fingerprint":"b5bfa68cc0a34f52f4a99d8f48be1dfa","source":"customer"} */
  s."c_custkey"
FROM "public"."customer" AS s
CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u
WHERE u.known > 0
WITH NO SCHEMA BINDING;

-- data source `elsewhere`
CREATE OR REPLACE VIEW "governed"."other_customer" AS
SELECT /* redoubt {"fingerprint":"2a451bed868dd6fd2dd73a67ce383106","source":"elsewhere"} */
  s."c_custkey"
FROM "other"."public"."customer" AS s
CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u
WHERE u.known > 0
WITH NO SCHEMA BINDING;
