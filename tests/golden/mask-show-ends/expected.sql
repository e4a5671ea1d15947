-- data source `customer`
CREATE OR REPLACE VIEW "governed"."customer" AS
SELECT /* redoubt {"fingerprint":"5ef847b156a55645d6c25f132499bd39","source":"customer"} */
  CAST(CASE WHEN LENGTH(s."first") > 3 THEN LEFT(s."first", 3) || REPEAT('*', LENGTH(s."first") - 3) ELSE REPEAT('*', LENGTH(s."first")) END AS VARCHAR(20)) AS "first",
  CAST(CASE WHEN LENGTH(s."last") > 4 THEN REPEAT('''', LENGTH(s."last") - 4) || RIGHT(s."last", 4) ELSE REPEAT('''', LENGTH(s."last")) END AS CHAR(15)) AS "last",
  CAST(CASE WHEN LENGTH(s."both") > 3 THEN (LEFT(s."both", 1) || REPEAT('\\', LENGTH(s."both") - 3)) || RIGHT(s."both", 2) ELSE REPEAT('\\', LENGTH(s."both")) END AS VARCHAR(40)) AS "both"
FROM "tpch"."public"."customer" AS s
CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS p
WHERE p.known > 0
WITH NO SCHEMA BINDING;
