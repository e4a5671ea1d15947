-- data source `customer`
CREATE OR REPLACE VIEW "governed"."customer" AS
SELECT /* redoubt {"fingerprint":"14b1e297e8c90540ba6d820106bc785a","source":"customer"} */
  CAST(NULL AS VARCHAR(15)) AS "c_phone",
  s."c_mail",
  s."c_note"
FROM "tpch"."public"."customer" AS s
CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS p
WHERE p.known > 0
WITH NO SCHEMA BINDING;
-- policy `finds-nothing`: no column has tag `domain.sales`
-- policy `finds-nothing`: no column has name `no_such`

-- data source `part`
CREATE OR REPLACE VIEW "governed"."part" AS
SELECT /* redoubt {"fingerprint":"7aa00d72a70ba428f65c6fcc2dc5224c","source":"part"} */
  s."p_name"
FROM "tpch"."public"."part" AS s
CROSS JOIN (SELECT MAX(u.known) AS known, MAX(CASE WHEN (e.kind = 'approval') AND (e.value IN ('part')) THEN 1 ELSE 0 END) AS e1 FROM "immuta_system"."user_entitlement" AS e CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u) AS p
WHERE (p.known > 0) AND (p.e1 = 1)
WITH NO SCHEMA BINDING;
-- policy `finds-nothing`: no column has tag `domain.sales`
-- policy `finds-nothing`: no column has name `no_such`
