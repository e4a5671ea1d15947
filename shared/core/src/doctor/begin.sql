CREATE SCHEMA {doctor};;
CREATE SCHEMA {below};;
CREATE TABLE {below}."sample" (value VARCHAR(16));;
INSERT INTO {below}."sample" (value) VALUES ({sample});;
CREATE TABLE {doctor}."sample" (value VARCHAR(16), one VARCHAR(1));;
INSERT INTO {doctor}."sample" (value, one) VALUES ({sample}, 'x');;
CREATE TABLE {doctor}."kept" (mark VARCHAR(16));;
CREATE VIEW {doctor}."below" AS SELECT s.value FROM {below}."sample" AS s WITH NO SCHEMA BINDING;;
CREATE VIEW {doctor}."reader" AS SELECT CAST(CURRENT_USER AS VARCHAR(128)) AS reader FROM {doctor}."sample" AS s
WITH NO SCHEMA BINDING;;
CREATE VIEW {doctor}."cached" AS SELECT CAST(CURRENT_USER AS VARCHAR(128)) AS reader FROM {doctor}."sample" AS s
WITH NO SCHEMA BINDING;;
CREATE VIEW {doctor}."uncached" AS SELECT CAST(CURRENT_USER AS VARCHAR(128)) AS reader FROM {doctor}."sample" AS s
WITH NO SCHEMA BINDING;;
GRANT USAGE ON SCHEMA {doctor} TO PUBLIC;;
GRANT SELECT ON {doctor}."below" TO PUBLIC;;
GRANT SELECT ON {doctor}."reader" TO PUBLIC;;
GRANT SELECT ON {doctor}."cached" TO PUBLIC;;
GRANT SELECT ON {doctor}."uncached" TO PUBLIC
