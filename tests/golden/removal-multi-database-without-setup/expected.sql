-- step `procedures`: as in removal-multi-database
-- step `policy views`: as in removal-multi-database
-- step `preflight`: as in removal-multi-database
-- step `secure views`: as in removal-multi-database
-- step `tables`: as in removal-multi-database
-- step `default privileges`: as in removal-multi-database
-- step `schemas`: as in removal-multi-database
-- step `database grants` (Setup, Each, tolerates Gone)
-- MustBeNone { refuse: "found tables, views, functions or schemas that are not Redoubt's in database `immuta`, expected none: they would go with the database" }
-- SELECT COUNT(*) FROM (SELECT c.relnamespace AS namespace FROM pg_catalog.pg_class AS c WHERE c.relowner >= 100 UNION ALL SELECT p.pronamespace AS namespace FROM pg_catalog.pg_proc AS p WHERE p.proowner >= 100 UNION ALL SELECT s.oid AS namespace FROM pg_catalog.pg_namespace AS s WHERE s.nspowner >= 100 AND s.nspname <> 'public') AS o JOIN pg_catalog.pg_namespace AS n ON n.oid = o.namespace WHERE LEFT(CAST(n.nspname AS VARCHAR(128)), 3) <> 'pg_'
REVOKE CREATE ON DATABASE "immuta" FROM "immuta_system_account";
REVOKE TEMP ON DATABASE "immuta" FROM "immuta_system_account";
REVOKE USAGE ON DATABASE "immuta" FROM "immuta_system_account";
REVOKE USAGE ON DATABASE "immuta" FROM PUBLIC;
REVOKE TEMP ON DATABASE "immuta" FROM PUBLIC;
-- step `database`: as in removal-multi-database
-- step `account`: as in removal-multi-database
