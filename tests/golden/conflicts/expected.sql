-- data source `customer`
CREATE OR REPLACE VIEW "governed"."customer" AS
SELECT /* redoubt {"fingerprint":"3ecd7f3a9011764284efa66d4de05739","source":"customer"} */
  CAST('local' AS VARCHAR(9)) AS "local_wins",
  CAST('name' AS VARCHAR(9)) AS "name_wins",
  CAST('deep' AS VARCHAR(9)) AS "deeper_wins",
  CAST('older' AS VARCHAR(9)) AS "older_wins",
  CAST('earlier' AS VARCHAR(9)) AS "earlier_wins",
  CAST('z1' AS VARCHAR(9)) AS "identity_decides"
FROM "tpch"."public"."customer" AS s
CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS p
WHERE p.known > 0
WITH NO SCHEMA BINDING;
-- column `local_wins`: `deep` by tag `a.b` lost to `local` by name `local_wins`
-- column `local_wins`: `shallow` by tag `a` lost to `local` by name `local_wins`
-- column `name_wins`: `deep` by tag `a.b` lost to `deep` by name `name_wins`
-- column `name_wins`: `shallow` by tag `a` lost to `deep` by name `name_wins`
-- column `deeper_wins`: `shallow` by tag `a` lost to `deep` by tag `a.b`
-- column `older_wins`: `younger` by tag `x` lost to `older` by tag `x`
-- column `earlier_wins`: `twice` by tag `v` lost to `twice` by tag `v`
-- column `identity_decides`: `z2` by tag `z` lost to `z1` by tag `z`
