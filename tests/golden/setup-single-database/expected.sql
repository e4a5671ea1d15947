-- step `account`: as in setup-multi-database
-- step `database grants` (Setup, Together, tolerates Nothing)
GRANT CREATE ON DATABASE "immuta" TO "immuta_system_account";
GRANT TEMP ON DATABASE "immuta" TO "immuta_system_account";
GRANT USAGE ON DATABASE "immuta" TO "immuta_system_account";
-- step `mask language`: as in setup-multi-database
-- step `schemas`: as in setup-multi-database
-- step `tables`: as in setup-multi-database
-- step `secure views`: as in setup-multi-database
-- step `procedures`: as in setup-multi-database
-- step `grants`: as in setup-multi-database
-- step `masking functions` (System, Together, tolerates Nothing)
CREATE OR REPLACE EXTERNAL FUNCTION "immuta_functions"."mask_regex"(VARCHAR(65535), VARCHAR(512), VARCHAR(512), VARCHAR(8))
RETURNS VARCHAR(65535) STABLE LAMBDA 'arn:aws:lambda:eu-west-1:123456789012:function:redoubt-mask' IAM_ROLE 'arn:aws:iam::123456789012:role/warehouse' MAX_BATCH_SIZE 2 MB;
CREATE OR REPLACE EXTERNAL FUNCTION "immuta_functions"."mask_reversible"(
  VARCHAR(65535), VARCHAR(64), VARCHAR(128), VARCHAR(128))
RETURNS VARCHAR(65535) STABLE LAMBDA 'arn:aws:lambda:eu-west-1:123456789012:function:redoubt-mask' IAM_ROLE 'arn:aws:iam::123456789012:role/warehouse' MAX_BATCH_SIZE 4 MB;
CREATE OR REPLACE EXTERNAL FUNCTION "immuta_functions"."unmask"(
  VARCHAR(65535), VARCHAR(64), VARCHAR(128), VARCHAR(128))
RETURNS VARCHAR(65535) STABLE LAMBDA 'arn:aws:lambda:eu-west-1:123456789012:function:redoubt-mask' IAM_ROLE 'arn:aws:iam::123456789012:role/warehouse' MAX_BATCH_SIZE 4 MB;
CREATE OR REPLACE EXTERNAL FUNCTION "immuta_functions"."mask_format_preserving"(
  VARCHAR(65535), VARCHAR(64), VARCHAR(128), VARCHAR(128), VARCHAR(4096))
RETURNS VARCHAR(65535) STABLE LAMBDA 'arn:aws:lambda:eu-west-1:123456789012:function:redoubt-mask' IAM_ROLE 'arn:aws:iam::123456789012:role/warehouse' MAX_BATCH_SIZE 4 MB;
CREATE OR REPLACE EXTERNAL FUNCTION "immuta_functions"."mask_format_preserving_number"(
  VARCHAR(64), VARCHAR(64), VARCHAR(128), VARCHAR(128), VARCHAR(64))
RETURNS VARCHAR(64) STABLE LAMBDA 'arn:aws:lambda:eu-west-1:123456789012:function:redoubt-mask' IAM_ROLE 'arn:aws:iam::123456789012:role/warehouse' MAX_BATCH_SIZE 5 MB;
CREATE OR REPLACE EXTERNAL FUNCTION "immuta_functions"."caller"(VARCHAR(1))
RETURNS VARCHAR(128) STABLE LAMBDA 'arn:aws:lambda:eu-west-1:123456789012:function:redoubt-mask' IAM_ROLE 'arn:aws:iam::123456789012:role/warehouse' MAX_BATCH_SIZE 1 MB;
