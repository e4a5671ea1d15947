-- data source `longest`
CREATE OR REPLACE VIEW "ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"."nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn" AS
SELECT /* redoubt {"fingerprint":"afd920eecdbe380d7af715ee8fb10e57","source":"longest"} */
  s."nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn",
  CAST(SHA2(k.salt || s."ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé", 256) AS VARCHAR(65535)) AS "ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"
FROM "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"."ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé"."nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn" AS s
CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u
CROSS JOIN (SELECT MAX(m.salt) AS salt FROM "immuta_system"."masking_key" AS m WHERE (m.source = 'longest') AND (m.column_name = '*')) AS k
WHERE u.known > 0
WITH NO SCHEMA BINDING;
