-- `mask` is another.
-- `setup` is another.
-- The system account makes its objects again where they are. Nothing is closed meanwhile.
-- Every view is rendered anew, each in a transaction of its own.
-- step `schemas`: as in setup-multi-database
-- step `tables`: as in setup-multi-database
-- step `secure views`: as in setup-multi-database
-- step `procedures`: as in setup-multi-database
-- step `grants`: as in setup-multi-database
-- step `former masking functions` (System, Each, tolerates Gone)
DROP FUNCTION "immuta_functions"."caller"(VARCHAR) RESTRICT;
DROP FUNCTION "immuta_functions"."mask_format_preserving_number"(VARCHAR, VARCHAR, VARCHAR, VARCHAR, VARCHAR) RESTRICT;
DROP FUNCTION "immuta_functions"."mask_format_preserving"(VARCHAR, VARCHAR, VARCHAR, VARCHAR, VARCHAR) RESTRICT;
DROP FUNCTION "immuta_functions"."unmask"(VARCHAR, VARCHAR, VARCHAR, VARCHAR) RESTRICT;
DROP FUNCTION "immuta_functions"."mask_reversible"(VARCHAR, VARCHAR, VARCHAR, VARCHAR) RESTRICT;
DROP FUNCTION "immuta_functions"."mask_regex"(VARCHAR, VARCHAR, VARCHAR, VARCHAR) RESTRICT;
