-- data source `customer`
CREATE OR REPLACE VIEW "governed"."customer" AS
SELECT /* redoubt {"fingerprint":"c31ae3d45e7d99da0d0df7be1dd5611c","source":"customer"} */
  CAST(NULL AS VARCHAR(15)) AS "c_phone",
  s."c_mail",
  s."c_note"
FROM "tpch"."public"."customer" AS s
CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u
WHERE u.known > 0
WITH NO SCHEMA BINDING;
-- policy `finds-nothing`: no column has tag `domain.sales`
-- policy `finds-nothing`: no column has name `no_such`

-- data source `part`
CREATE OR REPLACE VIEW "governed"."part" AS
SELECT /* redoubt {"fingerprint":"8b18e293cf9371a3ffb6b107ee593b93","source":"part"} */
  s."p_name"
FROM "tpch"."public"."part" AS s
CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u
CROSS JOIN (SELECT MAX(CASE WHEN (e.kind = 'approval') AND (e.value IN ('part')) THEN 1 ELSE 0 END) AS e1 FROM "immuta_system"."user_entitlement" AS e) AS p
WHERE (u.known > 0) AND (p.e1 = 1)
WITH NO SCHEMA BINDING;
-- policy `finds-nothing`: no column has tag `domain.sales`
-- policy `finds-nothing`: no column has name `no_such`
