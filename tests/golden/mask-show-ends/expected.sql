-- data source `customer`
CREATE OR REPLACE VIEW "governed"."customer" AS
SELECT /* redoubt {"fingerprint":"c674c874a5ba6842a434ad61ce99c6c8","source":"customer"} */
  CAST(CASE WHEN LENGTH(s."first") > 3 THEN LEFT(s."first", 3) || REPEAT('*', LENGTH(s."first") - 3) ELSE REPEAT('*', LENGTH(s."first")) END AS VARCHAR(20)) AS "first",
  CAST(CASE WHEN LENGTH(s."last") > 4 THEN REPEAT('''', LENGTH(s."last") - 4) || RIGHT(s."last", 4) ELSE REPEAT('''', LENGTH(s."last")) END AS CHAR(15)) AS "last",
  CAST(CASE WHEN LENGTH(s."both") > 3 THEN (LEFT(s."both", 1) || REPEAT('\\', LENGTH(s."both") - 3)) || RIGHT(s."both", 2) ELSE REPEAT('\\', LENGTH(s."both")) END AS VARCHAR(40)) AS "both"
FROM "tpch"."public"."customer" AS s
CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u
WHERE u.known > 0
WITH NO SCHEMA BINDING;
