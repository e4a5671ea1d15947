-- step `procedures`: as in removal-multi-database
-- step `policy views`: as in removal-multi-database
-- step `preflight`: as in removal-multi-database
-- step `secure views`: as in removal-multi-database
-- step `tables`: as in removal-multi-database
-- step `default privileges`: as in removal-multi-database
-- step `schemas`: as in removal-multi-database
-- step `database grants` (Setup, Each, tolerates Gone)
REVOKE CREATE ON DATABASE "immuta" FROM "immuta_system_account";
REVOKE TEMP ON DATABASE "immuta" FROM "immuta_system_account";
REVOKE USAGE ON DATABASE "immuta" FROM "immuta_system_account";
-- step `account`: as in removal-single-database
