CREATE TABLE IF NOT EXISTS {system}."mutex" (held_by VARCHAR(128));;
CREATE TABLE IF NOT EXISTS {system}."profile" (
  {userid} VARCHAR(128) NOT NULL,
  {revision} BIGINT NOT NULL,
  active BOOLEAN NOT NULL,
  project VARCHAR(128),
  updated_at TIMESTAMP NOT NULL
) SORTKEY ({userid});;
CREATE TABLE IF NOT EXISTS {system}."profile_entitlement" (
  {userid} VARCHAR(128) NOT NULL,
  kind VARCHAR(16) NOT NULL,
  name VARCHAR(512),
  value VARCHAR(512) NOT NULL
) SORTKEY ({userid});;
CREATE TABLE IF NOT EXISTS {system}."masking_key" (
  source VARCHAR(128) NOT NULL,
  column_name VARCHAR(128) NOT NULL,
  salt VARCHAR(64),
  token VARCHAR(64)
) SORTKEY (source);;
CREATE TABLE IF NOT EXISTS {system}."policy" (
  policy VARCHAR(128) NOT NULL,
  revision BIGINT NOT NULL,
  status VARCHAR(16),
  definition VARCHAR(65535),
  updated_at TIMESTAMP NOT NULL
) SORTKEY (policy);;
CREATE TABLE IF NOT EXISTS {system}."data_source" (
  source VARCHAR(128) NOT NULL,
  revision BIGINT NOT NULL,
  claim BIGINT NOT NULL,
  fingerprint VARCHAR(64),
  shape VARCHAR(64),
  definition_digest VARCHAR(32),
  view_schema VARCHAR(128),
  view_name VARCHAR(128),
  state VARCHAR(16),
  reason VARCHAR(1024),
  updated_at TIMESTAMP NOT NULL
) SORTKEY (source)
