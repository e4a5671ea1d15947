-- step `procedures`: as in removal-multi-database
-- step `policy views`: as in removal-multi-database
-- step `preflight`: as in removal-multi-database
-- step `secure views`: as in removal-multi-database
-- step `tables`: as in removal-multi-database
-- step `default privileges`: as in removal-multi-database
-- step `external schemas` (System, Each, tolerates Gone)
DROP SCHEMA IF EXISTS "lake" RESTRICT;
DROP SCHEMA IF EXISTS "old ""lake""" RESTRICT;
-- step `schemas`: as in removal-multi-database
-- step `database grants`: as in removal-multi-database-without-setup
-- step `database`: as in removal-multi-database
-- step `account`: as in removal-multi-database
