-- data source `longest`
CREATE OR REPLACE VIEW "ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"."nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn" AS
SELECT /* redoubt {"fingerprint":"760632623cafacde6f4935b828c4b6ee","source":"longest"} */
  s."nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn",
  CAST(SHA2(p.salt || s."ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé", 256) AS VARCHAR(65535)) AS "ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"
FROM "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"."ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"."nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn" AS s
CROSS JOIN (SELECT MAX(u.known) AS known, MAX(k.salt) AS salt FROM (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u CROSS JOIN (SELECT MAX(m.salt) AS salt FROM "immuta_system"."masking_key" AS m WHERE (m.source = 'longest') AND (m.column_name = '*')) AS k) AS p
WHERE p.known > 0
WITH NO SCHEMA BINDING;
