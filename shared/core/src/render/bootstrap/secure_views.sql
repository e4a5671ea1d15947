CREATE OR REPLACE VIEW {system}."user_profile" AS
SELECT p.{userid}, p.{revision}, p.project, p.updated_at
FROM {system}."profile" AS p
WHERE p.active
  AND p.{userid} = CURRENT_USER
  AND OCTET_LENGTH(p.{userid}) = OCTET_LENGTH(CAST(CURRENT_USER AS VARCHAR(128)));;
CREATE OR REPLACE VIEW {system}."user_entitlement" AS
SELECT e.{userid}, e.kind, e.name, e.value
FROM {system}."profile_entitlement" AS e
WHERE e.{userid} = CURRENT_USER
  AND OCTET_LENGTH(e.{userid}) = OCTET_LENGTH(CAST(CURRENT_USER AS VARCHAR(128)));;
CREATE OR REPLACE VIEW {system}."unmask_key" AS
SELECT m.source, SHA2(m.token || ':unmask', 256) AS handle
FROM {system}."masking_key" AS m
CROSS JOIN (SELECT COUNT(*) AS known FROM {system}."user_profile") AS u
WHERE u.known > 0 AND m.column_name = '*' AND m.token IS NOT NULL;;
CREATE OR REPLACE VIEW {system}."data_source_health" AS
SELECT d.source, d.state, d.reason, d.revision, d.view_schema, d.view_name, d.updated_at
FROM (
  SELECT h.source, h.state, h.reason, h.revision, h.view_schema, h.view_name, h.updated_at,
    ROW_NUMBER() OVER (PARTITION BY h.source ORDER BY h.revision DESC, h.updated_at DESC) AS place
  FROM {system}."data_source" AS h
) AS d
WHERE d.place = 1
