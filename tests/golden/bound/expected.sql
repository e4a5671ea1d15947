-- data source `bound`
CREATE OR REPLACE VIEW "governed"."bound" AS
SELECT /* redoubt {"fingerprint":"1e46b87f3b598e8a00c19a53021e971d","source":"bound"} */
  s."c_custkey",
  CAST(CASE WHEN p.e1 = 1 THEN s."c_phone" ELSE SHA2(p.salt || s."c_phone", 256) END AS VARCHAR(64)) AS "c_phone"
FROM "public"."customer" AS s
CROSS JOIN (SELECT MAX(u.known) AS known, MAX(CASE WHEN (e.kind = 'group') AND (e.value IN ('support')) THEN 1 ELSE 0 END) AS e1, MAX(k.salt) AS salt FROM "immuta_system"."user_entitlement" AS e CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u CROSS JOIN (SELECT MAX(m.salt) AS salt FROM "immuta_system"."masking_key" AS m WHERE (m.source = 'bound') AND (m.column_name = '*')) AS k) AS p
WHERE p.known > 0;

-- data source `late`
CREATE OR REPLACE VIEW "governed"."late" AS
SELECT /* redoubt {"fingerprint":"2d2258915d2357b30d6c200448d34c39","source":"late"} */
  s."c_custkey",
  CAST(CASE WHEN p.e1 = 1 THEN s."c_phone" ELSE SHA2(p.salt || s."c_phone", 256) END AS VARCHAR(64)) AS "c_phone"
FROM "public"."customer" AS s
CROSS JOIN (SELECT MAX(u.known) AS known, MAX(CASE WHEN (e.kind = 'group') AND (e.value IN ('support')) THEN 1 ELSE 0 END) AS e1, MAX(k.salt) AS salt FROM "immuta_system"."user_entitlement" AS e CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u CROSS JOIN (SELECT MAX(m.salt) AS salt FROM "immuta_system"."masking_key" AS m WHERE (m.source = 'late') AND (m.column_name = '*')) AS k) AS p
WHERE p.known > 0
WITH NO SCHEMA BINDING;
