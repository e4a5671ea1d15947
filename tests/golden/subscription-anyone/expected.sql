-- data source `nation`
CREATE OR REPLACE VIEW "governed"."nation" AS
SELECT /* redoubt {"fingerprint":"d46f01aac25cdf3615559f1f36503bcd","source":"nation"} */
  s."n_name"
FROM "tpch"."public"."nation" AS s
CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u
WHERE u.known > 0
WITH NO SCHEMA BINDING;
