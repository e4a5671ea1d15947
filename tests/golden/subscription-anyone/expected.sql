-- data source `nation`
CREATE OR REPLACE VIEW "governed"."nation" AS
SELECT /* redoubt {"fingerprint":"f456282e84ce2842a4405706fdffdb71","source":"nation"} */
  s."n_name"
FROM "tpch"."public"."nation" AS s
CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS p
WHERE p.known > 0
WITH NO SCHEMA BINDING;
