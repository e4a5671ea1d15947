-- prepare a view
CALL "immuta_procedures"."prepare_view"('it''s \\ a source', '5eed');
-- prepare a project
CALL "immuta_procedures"."prepare_project"('it''s \\ a source', '5eed');
-- withdraw a view
CALL "immuta_procedures"."drop_view"('it''s \\ a source', 7, 'withdrawn', NULL);
-- withdraw a view that can't be applied
CALL "immuta_procedures"."drop_view"('it''s \\ a source', 7, 'unhealthy', 'it''s \\ no view');
-- apply a view
CALL "immuta_procedures"."apply_view"('it''s \\ a source', 7, 2, '20cd4252efe9a143156b77457e9a4087', '330e36b9f756b32272a2c0a7a94783ad', 'governed', 'notes', 'CREATE OR REPLACE VIEW "governed"."notes" AS SELECT /* redoubt {"fingerprint":"20cd4252efe9a143156b77457e9a4087","source":"notes"} */ CAST(''xxxxxxxx'' AS VARCHAR(65535)) AS "a", CAST(''xxxxxxxx'' AS VARCHAR(65535)) AS "b" FROM "tpch"."public"."notes" AS s CROSS JOIN (SELECT MAX(u.known) AS known, MAX(CASE WHEN (e.kind = ''approval'') AND (e.value IN (''notes'')) THEN 1 ELSE 0 END) AS e1 FROM "immuta_system"."user_entitlement" AS e CROSS JOIN (SELECT COUNT(*) AS known FROM "immuta_system"."user_profile" AS f) AS u) AS p WHERE (p.known > 0) AND (p.e1 = 1) WITH NO SCHEMA BINDING');
-- apply a long view
CALL "immuta_procedures"."begin_view"('it''s \\ a source', 7, 2, '330e36b9f756b32272a2c0a7a94783ad', 'governed', 'notes');
-- apply a long view
-- 120559 bytes: CREATE OR REPLACE VIEW "governed"."notes" AS SELECT /* redoubt {"fingerprint":"0 …;
-- apply a long view
CALL "immuta_procedures"."finish_view"('it''s \\ a source', 7, 2, '05311cd4508cde8ad623dc15511fe286', '330e36b9f756b32272a2c0a7a94783ad', 'governed', 'notes');
-- lock before policies are written
LOCK "immuta_system"."mutex";
-- put a policy
CALL "immuta_procedures"."put_policy"('it''s \\ a source', 3, 'active', '{"name": "it''s a \\"policy\\""}');
-- drop a policy
CALL "immuta_procedures"."drop_policy"('it''s \\ a source', 4);
-- merge profiles
LOCK "immuta_system"."mutex";
-- merge profiles
CREATE TEMPORARY TABLE "redoubt_stage_profile" (place INTEGER, userid VARCHAR(128), revision BIGINT, active BOOLEAN, project VARCHAR(128));
-- merge profiles
CREATE TEMPORARY TABLE "redoubt_stage_entitlement" (entitlement INTEGER, kind VARCHAR(16), name VARCHAR(512), value VARCHAR(512));
-- merge profiles
CREATE TEMPORARY TABLE "redoubt_stage_held" (place INTEGER, entitlement INTEGER);
-- merge profiles
INSERT INTO "redoubt_stage_profile" (place, userid, revision, active, project) VALUES (0, 'Ada O''Hara', 9, TRUE, 'churn'), (1, 'bob', 1099511627780, TRUE, NULL), (2, 'eve', 2, FALSE, NULL);
-- merge profiles
INSERT INTO "redoubt_stage_entitlement" (entitlement, kind, name, value) VALUES (0, 'user', NULL, 'ada'), (1, 'group', NULL, 'o''brien \\ sons'), (2, 'group', NULL, 'support'), (3, 'attribute', 'country', 'DE'), (4, 'attribute', 'country', 'FR'), (5, 'project', NULL, 'churn'), (6, 'purpose', 'churn', 'research'), (7, 'approval', NULL, 'orders'), (8, 'user', NULL, 'bob');
-- merge profiles
INSERT INTO "redoubt_stage_held" (place, entitlement) VALUES (0, 0), (0, 1), (0, 2), (0, 3), (0, 4), (0, 5), (0, 6), (0, 7), (1, 8);
-- merge profiles
CALL "immuta_procedures"."merge_profiles"();
-- merge profiles of users that are gone
LOCK "immuta_system"."mutex";
-- merge profiles of users that are gone
CREATE TEMPORARY TABLE "redoubt_stage_profile" (place INTEGER, userid VARCHAR(128), revision BIGINT, active BOOLEAN, project VARCHAR(128));
-- merge profiles of users that are gone
CREATE TEMPORARY TABLE "redoubt_stage_entitlement" (entitlement INTEGER, kind VARCHAR(16), name VARCHAR(512), value VARCHAR(512));
-- merge profiles of users that are gone
CREATE TEMPORARY TABLE "redoubt_stage_held" (place INTEGER, entitlement INTEGER);
-- merge profiles of users that are gone
INSERT INTO "redoubt_stage_profile" (place, userid, revision, active, project) VALUES (0, 'eve', 2, FALSE, NULL);
-- merge profiles of users that are gone
CALL "immuta_procedures"."merge_profiles"();
