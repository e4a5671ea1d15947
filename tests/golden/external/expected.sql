-- data source `clicks`
CREATE OR REPLACE VIEW "governed"."clicks" AS
SELECT /* redoubt {"fingerprint":"1020f96da2ac65754def7ea7a8de57a5","source":"clicks"} */
  s."clicked_at",
  CAST(CASE WHEN p.e1 = 1 THEN s."visitor" ELSE SHA2(p.salt || s."visitor", 256) END AS VARCHAR(64)) AS "visitor"
FROM "lake"."clicks" AS s
CROSS JOIN (SELECT MAX(u.known) AS known, MAX(CASE WHEN (e.kind = 'group') AND (e.value IN ('support')) THEN 1 ELSE 0 END) AS e1, MAX(k.salt) AS salt FROM "immuta_system"."user_entitlement" AS e CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u CROSS JOIN (SELECT MAX(m.salt) AS salt FROM "immuta_system"."masking_key" AS m WHERE (m.source = 'clicks') AND (m.column_name = '*')) AS k) AS p
WHERE (p.known > 0) AND ((p.e1 = 1) OR (s."clicked_at" > (GETDATE() - INTERVAL '30 days')))
WITH NO SCHEMA BINDING;
