//! What is asked, as data. The number of questions is fixed; how much each may give back is too.
//!
//! Redshift answers its catalog and `SVV_*` views on the leader node, where they can't be joined with tables
//! (<https://docs.aws.amazon.com/redshift/latest/dg/c_SQL_functions_leader_node_only.html>), and not all of them with each
//! other. So each question asks one of them, and what belongs together is put together where it is judged.
//!
//! Rights of others are shown to superusers and to holders of `ACCESS SYSTEM TABLE` only
//! (<https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_SCHEMA_PRIVILEGES.html>); [`Question::Sight`] tells which it is.

use std::collections::BTreeSet;

use super::expected::{DIGITS, Page, folded, schemas};
use crate::{
    model::Integration,
    render::install::TemplateError,
    sql::{Fill, Ident, SqlText, Text, fill},
};

/// One question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Question {
    /// Whether the account sees the rights of others.
    Sight,
    /// Rights on Redoubt's tables and views that nobody should have.
    Relations,
    /// Rights on its procedures.
    Procedures,
    /// Rights on its schemas, and for everything in them.
    Schemas,
    /// Rights on its database, and for everything in it.
    Database,
    /// Rights on objects to come.
    Defaults,
    /// What others built on its views.
    Frozen,
    /// Policy views: owner and digest of the text.
    Views,
    /// What the warehouse keeps of data sources.
    SourceRows,
    /// What it keeps of policies.
    PolicyRows,
    /// Profiles in a range of accounts.
    Profiles,
    /// How much the accounts have, with a digest.
    Entitlements,
    /// Tables of data sources and who owns them.
    Tables,
    /// Their columns.
    Columns,
    /// Who reads them.
    Readers,
    /// Who reads everything in their schemas.
    SchemaReaders,
    /// Who reads everything in their database.
    DatabaseReaders,
    /// Who will read what is made in their schemas.
    FutureReaders,
    /// Who reads everything anyway.
    Superusers,
}

impl Question {
    /// What it is about, in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sight => "rights of others",
            Self::Relations => "rights on tables and views",
            Self::Procedures => "rights on procedures",
            Self::Schemas => "rights on schemas",
            Self::Database => "rights on the database",
            Self::Defaults => "default privileges",
            Self::Frozen => "views on policy views",
            Self::Views => "policy views",
            Self::SourceRows => "rows of data sources",
            Self::PolicyRows => "rows of policies",
            Self::Profiles => "profiles",
            Self::Entitlements => "entitlements",
            Self::Tables => "tables",
            Self::Columns => "columns",
            Self::Readers => "readers of tables",
            Self::SchemaReaders => "readers of schemas",
            Self::DatabaseReaders => "readers of the database",
            Self::FutureReaders => "readers of tables to come",
            Self::Superusers => "superusers",
        }
    }
}

/// A question and the statement that asks it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Which.
    pub question: Question,
    /// How it is asked.
    pub statement: SqlText,
}

/// Most rows that an answer about rights has: nobody reads more.
pub const RIGHTS: usize = 1_000;
/// Most accounts that an answer has.
pub const ACCOUNTS: usize = 2_000;
/// Most columns that an answer has.
pub const COLUMNS: usize = 50_000;

const SIGHT: &str = "SELECT COUNT(*) AS shown FROM pg_catalog.stv_db_isolation_level AS d";
const RELATIONS: &str = "SELECT p.namespace_name, p.relation_name, p.privilege_type, p.identity_name, p.identity_type \
    FROM pg_catalog.svv_relation_privileges AS p WHERE LOWER(p.namespace_name) IN ({own}) \
    AND p.identity_name <> {system_user} AND NOT (p.privilege_type = 'SELECT' AND LOWER(p.namespace_name) IN ({views})) \
    AND NOT (p.privilege_type = 'SELECT' AND LOWER(p.relation_name) IN ({open})) LIMIT 1000";
const PROCEDURES: &str = "SELECT p.namespace_name, p.function_name, p.privilege_type, p.identity_name, p.identity_type \
    FROM pg_catalog.svv_function_privileges AS p WHERE LOWER(p.namespace_name) IN ({procedures}) \
    AND p.identity_name <> {system_user} AND LOWER(p.function_name) <> 'impersonate_user' LIMIT 1000";
const SCHEMAS: &str = "SELECT p.namespace_name, p.privilege_type, p.privilege_scope, p.identity_name, p.identity_type \
    FROM pg_catalog.svv_schema_privileges AS p WHERE LOWER(p.namespace_name) IN ({own}) \
    AND p.identity_name <> {system_user} \
    AND NOT (p.privilege_type = 'USAGE' AND UPPER(p.privilege_scope) = 'SCHEMA') LIMIT 1000";
const DATABASE: &str = "SELECT p.database_name, p.privilege_type, p.privilege_scope, p.identity_name, p.identity_type \
    FROM pg_catalog.svv_database_privileges AS p WHERE LOWER(p.database_name) IN ({database}) \
    AND p.identity_name <> {system_user} AND NOT (UPPER(p.privilege_scope) = 'DATABASE' \
    AND UPPER(p.privilege_type) IN ('USAGE', 'TEMP', 'TEMPORARY')) LIMIT 1000";
const DEFAULTS: &str = "SELECT p.schema_name, p.object_type, p.owner_name, p.privilege_type, p.grantee_name, p.grantee_type \
    FROM pg_catalog.svv_default_privileges AS p WHERE p.grantee_name <> {system_user} \
    AND (p.owner_name = {system_user} OR LOWER(p.schema_name) IN ({own})) LIMIT 1000";
// A late-binding view reads the policy view anew each time; its text, which Redshift keeps as it was written, ends in that clause.
const FROZEN: &str = "SELECT CAST(v.schemaname AS VARCHAR(128)) AS schema_name, CAST(v.viewname AS VARCHAR(128)) AS view_name, \
    CAST(v.viewowner AS VARCHAR(128)) AS owner_name FROM pg_catalog.pg_views AS v \
    WHERE CAST(v.schemaname AS VARCHAR(128)) NOT IN ('pg_catalog', 'information_schema', 'pg_internal') \
    AND LOWER(CAST(v.schemaname AS VARCHAR(128))) NOT IN ({own}) \
    AND STRPOS(RIGHT(LOWER(v.definition), 40), 'with no schema binding') = 0 \
    AND (STRPOS(LOWER(v.definition), LOWER({views_plain})) > 0 OR STRPOS(LOWER(v.definition), LOWER({views_bracket})) > 0 \
    OR STRPOS(LOWER(v.definition), LOWER({views_quoted})) > 0 OR STRPOS(LOWER(v.definition), LOWER({system_plain})) > 0 \
    OR STRPOS(LOWER(v.definition), LOWER({system_bracket})) > 0 OR STRPOS(LOWER(v.definition), LOWER({system_quoted})) > 0) \
    LIMIT 1000";
const VIEWS: &str = "SELECT CAST(v.viewname AS VARCHAR(128)) AS view_name, CAST(v.viewowner AS VARCHAR(128)) AS owner_name, \
    MD5(v.definition) AS digest FROM pg_catalog.pg_views AS v \
    WHERE LOWER(CAST(v.schemaname AS VARCHAR(128))) IN ({views}) AND LOWER(CAST(v.viewname AS VARCHAR(128))) IN ({names})";
const SOURCE_ROWS: &str = "SELECT d.source, d.revision, d.state, d.view_name, d.definition_digest \
    FROM {system}.\"data_source\" AS d WHERE d.source IN ({sources})";
const POLICY_ROWS: &str = "SELECT p.policy, p.revision, p.status, SHA2(p.definition, 256) AS digest \
    FROM {system}.\"policy\" AS p WHERE p.policy IN ({policies})";
const PROFILES: &str = "SELECT p.{userid}, p.{revision}, p.active, p.project FROM {system}.\"profile\" AS p \
    WHERE p.{userid} > {after} AND ({all} OR p.{userid} <= {last}) ORDER BY p.{userid} LIMIT 2000";
const ENTITLEMENTS: &str = "SELECT e.{userid}, COUNT(*) AS rows_there, SUM(STRTOL(SUBSTRING(SHA2(e.kind || ':' || \
    NVL(CAST(OCTET_LENGTH(e.name) AS VARCHAR(8)), '-') || ':' || NVL(e.name, '') || ':' || e.value, 256), 1, {digits}), 16)) \
    AS digest FROM {system}.\"profile_entitlement\" AS e WHERE e.{userid} > {after} AND ({all} OR e.{userid} <= {last}) \
    GROUP BY e.{userid} ORDER BY e.{userid} LIMIT 2000";
const TABLES: &str = "SELECT CAST(n.nspname AS VARCHAR(128)) AS schema_name, CAST(c.relname AS VARCHAR(128)) AS table_name, \
    CAST(u.usename AS VARCHAR(128)) AS owner_name FROM pg_catalog.pg_class AS c \
    JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace JOIN pg_catalog.pg_user AS u ON u.usesysid = c.relowner \
    WHERE LOWER(CAST(n.nspname AS VARCHAR(128))) IN ({schemas}) AND LOWER(CAST(c.relname AS VARCHAR(128))) IN ({tables})";
const TABLE_COLUMNS: &str = "SELECT c.table_schema, c.table_name, c.column_name, c.data_type, c.character_maximum_length, \
    c.numeric_precision, c.numeric_scale FROM pg_catalog.svv_columns AS c \
    WHERE LOWER(c.table_schema) IN ({schemas}) AND LOWER(c.table_name) IN ({tables}) LIMIT 50000";
const READERS: &str = "SELECT p.namespace_name, p.relation_name, p.identity_name, p.identity_type \
    FROM pg_catalog.svv_relation_privileges AS p WHERE p.privilege_type = 'SELECT' AND p.identity_name <> {system_user} \
    AND LOWER(p.namespace_name) IN ({schemas}) AND LOWER(p.relation_name) IN ({tables}) LIMIT 1000";
const SCHEMA_READERS: &str = "SELECT p.namespace_name, p.identity_name, p.identity_type \
    FROM pg_catalog.svv_schema_privileges AS p WHERE UPPER(p.privilege_scope) = 'TABLES' AND p.privilege_type = 'SELECT' \
    AND p.identity_name <> {system_user} AND LOWER(p.namespace_name) IN ({schemas}) LIMIT 1000";
const DATABASE_READERS: &str = "SELECT p.database_name, p.identity_name, p.identity_type \
    FROM pg_catalog.svv_database_privileges AS p WHERE UPPER(p.privilege_scope) = 'TABLES' AND p.privilege_type = 'SELECT' \
    AND p.identity_name <> {system_user} AND LOWER(p.database_name) IN ({database}) LIMIT 1000";
const FUTURE_READERS: &str = "SELECT p.schema_name, p.owner_name, p.grantee_name, p.grantee_type \
    FROM pg_catalog.svv_default_privileges AS p WHERE p.object_type = 'RELATION' AND p.privilege_type = 'SELECT' \
    AND p.grantee_name <> {system_user} AND p.owner_name <> {system_user} AND LOWER(p.schema_name) IN ({schemas}) LIMIT 1000";
const SUPERUSERS: &str = "SELECT CAST(u.usename AS VARCHAR(128)) AS account FROM pg_catalog.pg_user AS u \
    WHERE u.usesuper LIMIT 1000";

/// What everybody may read of Redoubt's own relations: the views that show each reader what concerns them, and how data sources
/// are, which an administrator may give.
const OPEN: [&str; 4] = ["user_profile", "user_entitlement", "unmask_key", "data_source_health"];

/// What is asked in Redoubt's own database.
///
/// # Errors
/// [`TemplateError`], which a test rules out.
pub fn own(integration: &Integration, page: &Page) -> Result<Vec<Query>, TemplateError> {
    let mut writer = Writer::new(integration, &integration.database, page)?;
    for (question, template) in [
        (Question::Sight, SIGHT),
        (Question::Relations, RELATIONS),
        (Question::Procedures, PROCEDURES),
        (Question::Schemas, SCHEMAS),
        (Question::Database, DATABASE),
        (Question::Defaults, DEFAULTS),
        (Question::Frozen, FROZEN),
        (Question::Profiles, PROFILES),
        (Question::Entitlements, ENTITLEMENTS),
    ] {
        writer.ask(question, template)?;
    }
    if !page.views.is_empty() {
        writer.ask(Question::Views, VIEWS)?;
        writer.ask(Question::SourceRows, SOURCE_ROWS)?;
    }
    if !page.definitions.is_empty() {
        writer.ask(Question::PolicyRows, POLICY_ROWS)?;
    }
    Ok(writer.queries)
}

/// What is asked in the database of the page's tables; nothing where there are none.
///
/// # Errors
/// [`TemplateError`], which a test rules out.
pub fn tables(integration: &Integration, database: &Ident, page: &Page) -> Result<Vec<Query>, TemplateError> {
    if page.tables.is_empty() {
        return Ok(Vec::new());
    }
    let mut writer = Writer::new(integration, database, page)?;
    for (question, template) in [
        (Question::Tables, TABLES),
        (Question::Columns, TABLE_COLUMNS),
        (Question::Readers, READERS),
        (Question::SchemaReaders, SCHEMA_READERS),
        (Question::FutureReaders, FUTURE_READERS),
        (Question::Superusers, SUPERUSERS),
    ] {
        writer.ask(question, template)?;
    }
    // Redoubt's own database was asked about already.
    if !database.is_same(&integration.database) {
        writer.ask(Question::Sight, SIGHT)?;
        writer.ask(Question::DatabaseReaders, DATABASE_READERS)?;
    }
    Ok(writer.queries)
}

/// Fills the texts in.
struct Writer<'a> {
    integration: &'a Integration,
    queries: Vec<Query>,
    revision: Ident,
    lists: Vec<(&'static str, Vec<Text>)>,
    texts: Vec<(&'static str, Text)>,
    everything: &'static str,
}

impl<'a> Writer<'a> {
    fn new(integration: &'a Integration, database: &Ident, page: &Page) -> Result<Self, TemplateError> {
        let names = &integration.names;
        let ids = |ids: &mut dyn Iterator<Item = &str>| -> Vec<Text> {
            ids.map(|id| Text::printed(id.to_owned())).collect::<BTreeSet<_>>().into_iter().collect()
        };
        let distinct = |names: &mut dyn Iterator<Item = &Ident>| -> Vec<Text> {
            names.map(folded).collect::<BTreeSet<_>>().into_iter().collect()
        };
        let text = |text: &str| Text::new(text).map_err(|error| failure(error.to_string()));
        let in_text = |schema: &Ident| -> Result<[Text; 3], TemplateError> {
            let name = schema.folded();
            Ok([text(&format!(" {name}."))?, text(&format!("({name}."))?, text(&format!("\"{name}\"."))?])
        };
        let [views_plain, views_bracket, views_quoted] = in_text(&integration.view_schema)?;
        let [system_plain, system_bracket, system_quoted] = in_text(&names.system)?;
        Ok(Self {
            integration,
            queries: Vec::new(),
            revision: Ident::new(format!("{}__revision", names.prefix)).map_err(|error| failure(error.to_string()))?,
            lists: vec![
                ("own", schemas(names, &integration.view_schema)),
                ("views", vec![folded(&integration.view_schema)]),
                ("procedures", vec![folded(&names.procedures)]),
                ("database", vec![folded(database)]),
                ("open", OPEN.into_iter().map(Text::fixed).collect()),
                ("names", distinct(&mut page.views.iter().map(|view| &view.name))),
                ("schemas", distinct(&mut page.tables.iter().map(|table| &table.source.schema))),
                ("tables", distinct(&mut page.tables.iter().map(|table| &table.source.table))),
            ],
            texts: vec![
                ("system_user", text(integration.system_user.as_str())?),
                ("after", text(&page.after)?),
                ("last", text(page.last.as_deref().unwrap_or_default())?),
                ("views_plain", views_plain),
                ("views_bracket", views_bracket),
                ("views_quoted", views_quoted),
                ("system_plain", system_plain),
                ("system_bracket", system_bracket),
                ("system_quoted", system_quoted),
            ],
            everything: if page.last.is_none() { "TRUE" } else { "FALSE" },
        }
        .with_ids(
            ids(&mut page.views.iter().map(|view| view.source.as_str())),
            ids(&mut page.definitions.iter().map(|definition| definition.policy.as_str())),
        ))
    }

    /// Identities are compared as they are.
    fn with_ids(mut self, sources: Vec<Text>, policies: Vec<Text>) -> Self {
        self.lists.extend([("=sources", sources), ("=policies", policies)]);
        self
    }

    fn ask(&mut self, question: Question, template: &'static str) -> Result<(), TemplateError> {
        let names = &self.integration.names;
        let mut values = vec![
            ("system", Fill::Ident(&names.system)),
            ("userid", Fill::Ident(&names.userid)),
            ("revision", Fill::Ident(&self.revision)),
            ("all", Fill::Word(self.everything)),
            ("digits", Fill::Number(DIGITS as u64)),
        ];
        values.extend(self.lists.iter().map(|(name, list)| match name.strip_prefix('=') {
            Some(name) => (name, Fill::Literals(list)),
            None => (*name, Fill::Folded(list)),
        }));
        values.extend(self.texts.iter().map(|(name, text)| (*name, Fill::Literal(text))));
        let statement = fill(template, &values).map_err(failure)?;
        self.queries.push(Query { question, statement });
        Ok(())
    }
}

fn failure(place: String) -> TemplateError {
    TemplateError { step: "drift", place }
}
