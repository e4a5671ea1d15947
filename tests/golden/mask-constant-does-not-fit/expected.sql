-- data source `short`
-- withdrawn: policy `redacted`: the constant does not fit column `note` of type `VARCHAR(4)`

-- data source `long`
CREATE OR REPLACE VIEW "governed"."long" AS
SELECT /* redoubt {"fingerprint":"c4b38d495efc8551b51b6855168960bd","source":"long"} */
  CAST('REDACTED' AS VARCHAR(8)) AS "note"
FROM "tpch"."public"."long" AS s
CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS p
WHERE p.known > 0
WITH NO SCHEMA BINDING;
