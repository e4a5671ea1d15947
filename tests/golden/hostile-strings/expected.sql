-- data source `so\'urce \\ */ DROP /* \" -- $$ 🦀`
CREATE OR REPLACE VIEW "go""ver'ned; --"."v */ ' \ $$ 🦀" AS
SELECT /* redoubt {"fingerprint":"45544dbbbc2af49eda648852dffe76bd","source":"so'urce \\ \u002a\u002f DROP \u002f\u002a \" -- $$ 🦀"} */
  CAST(''' || (SELECT 1) || ''\\' AS VARCHAR(80)) AS "quote""",
  CAST(''' || (SELECT 1) || ''\\' AS VARCHAR(80)) AS "it's",
  CAST(CASE WHEN LENGTH(s."back\slash\""") > 1 THEN LEFT(s."back\slash\""", 1) || REPEAT('''', LENGTH(s."back\slash\""") - 1) ELSE REPEAT('''', LENGTH(s."back\slash\""")) END AS VARCHAR(80)) AS "back\slash\""",
  CAST("immuta_functions"."mask_regex"(s."*/ comment /* --", '['';\\\\]+--', '''); DROP', 'g') AS VARCHAR(80)) AS "*/ comment /* --",
  CAST("immuta_functions"."mask_format_preserving"(s."$tag$ ${x} {views}", p.token, 'so''urce \\ */ DROP /* " -- $$ 🦀', '$tag$ ${x} {views}', '"$''*/;\\é') AS VARCHAR(320)) AS "$tag$ ${x} {views}",
  CAST('a
b	c' AS VARCHAR(80)) AS "line
break	and ; %s :p ?",
  CAST(SHA2(COALESCE(CASE WHEN p.e1 = 1 THEN p.salt1 ELSE NULL END, p.salt) || s."naïve 数据 🦀", 256) AS VARCHAR(80)) AS "naïve 数据 🦀"
FROM "tp""ch"."pub'lic\"."cust""; DROP TABLE x; --" AS s
CROSS JOIN (SELECT MAX(u.known) AS known, MAX(CASE WHEN (e.kind = 'project') AND (e.value IN ('pro''ject\\ */ --')) THEN 1 ELSE 0 END) AS e1, MAX(CASE WHEN (e.kind = 'group') AND (e.value IN (''' OR 1=1 --')) THEN 1 ELSE 0 END) AS e2, MAX(CASE WHEN (e.kind = 'attribute') AND (e.name = 'a"t''tr\\') AND (e.value IN ('$$; DROP', '*/ x /*', '\\', '\\'' OR TRUE --', '🦀 数据')) THEN 1 ELSE 0 END) AS e3, MAX(CASE WHEN (e.kind = 'purpose') AND (e.name = 'pro''ject\\ */ --') AND (e.value IN ('{views}')) THEN 1 ELSE 0 END) AS e4, MAX(CASE WHEN (e.kind = 'user') AND (e.value IN ('o''brien\\', 'x" OR 1=1 --')) THEN 1 ELSE 0 END) AS e5, MAX(CASE WHEN (e.kind = 'group') AND (e.value IN ('\\')) THEN 1 ELSE 0 END) AS e6, MAX(k.salt) AS salt, MAX(k.token) AS token, MAX(j1.salt) AS salt1 FROM "immuta_system"."user_entitlement" AS e CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u CROSS JOIN (SELECT MAX(m.salt) AS salt, MAX(m.token) AS token FROM "immuta_system"."masking_key" AS m WHERE (m.source = 'so''urce \\ */ DROP /* " -- $$ 🦀') AND (m.column_name = '*')) AS k CROSS JOIN (SELECT MAX(m.salt) AS salt FROM "immuta_system"."masking_key" AS m WHERE (m.source = 'pro''ject\\ */ --') AND (m.column_name = '@project')) AS j1) AS p
LEFT JOIN (SELECT DISTINCT e.value AS value FROM "immuta_system"."user_entitlement" AS e WHERE (e.kind = 'attribute') AND (e.name = 'x'' OR ''1''=''1')) AS r1 ON r1.value = s."it's"
WHERE (p.known > 0) AND ((p.e2 = 1) OR (p.e3 = 1) OR (p.e4 = 1)) AND (p.e5 = 1) AND ((p.e6 = 1) OR (r1.value IS NOT NULL)) AND (s."*/ comment /* --" IN (SELECT e.value AS value FROM "immuta_system"."user_entitlement" AS e WHERE e.kind = 'group'))
WITH NO SCHEMA BINDING;
