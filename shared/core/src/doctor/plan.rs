//! What is run, by whom and where.
//!
//! The objects that probes need stand in two schemas of Redoubt's own, made by the system account at the start and dropped at
//! the end; what an examination that was interrupted left is dropped by the next one. There is nothing in them but constants.

use super::Probe;
use crate::{
    model::{Integration, Mode as IntegrationMode},
    render::install::TemplateError,
    sql::{Fill, Ident, SqlText, Text, fill},
};

/// Who runs a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Who {
    /// The account Redoubt works as. What it makes, it owns.
    System,
    /// Another account, which owns nothing of the probes. There may be none.
    Reader,
}

/// Where a statement runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// In Redoubt's database.
    Own,
    /// In the database that the integration's setup names.
    Elsewhere,
}

/// How statements run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// One statement on its own, whose rows are wanted.
    Query,
    /// All or none.
    Transaction,
    /// Each on its own, in one call.
    AutoCommit,
}

/// Statements that are sent in one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Who.
    pub who: Who,
    /// Where.
    pub place: Place,
    /// How.
    pub mode: Mode,
    /// What.
    pub statements: Vec<SqlText>,
}

/// Everything that is run, in this order. The runs of one probe follow each other; probes need nothing of each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examination {
    /// Makes the objects.
    pub begin: Vec<Run>,
    /// Asks who runs the probes.
    pub people: Vec<Run>,
    /// The runs of each probe, in the order of [`Probe::ALL`]; none of a probe that is not needed.
    pub probes: Vec<(Probe, Vec<Run>)>,
    /// Drops the objects, whatever became of the rest.
    pub end: Vec<Run>,
}

/// The longest statement that Redoubt sends, in bytes.
pub const STATEMENT_BYTES: usize = 100_000;
/// What the plain literal of the backslash probe stands for: it ends early for nobody, however it is read.
pub const BACKSLASHED: &str = r"a\b''c\";
/// What stands in the tables of the probes.
pub const SAMPLE: &str = "a1";
/// What a mask makes of the sample.
pub const MASKED_SAMPLE: &str = "ax";

const SEPARATOR: &str = ";;\n";
const BEGIN: &str = include_str!("begin.sql");
const END: &str = "DROP SCHEMA IF EXISTS {doctor} CASCADE;;\nDROP SCHEMA IF EXISTS {below} CASCADE";

impl Examination {
    /// What is run to examine an integration's warehouse.
    ///
    /// # Errors
    /// [`TemplateError`], which a test rules out.
    pub fn of(integration: &Integration) -> Result<Self, TemplateError> {
        let writer = Writer::new(integration)?;
        let drop = || writer.all("doctor: end", Mode::Transaction, END);
        let probes = Probe::ALL.into_iter().map(|probe| Ok((probe, writer.probe(probe)?)));
        Ok(Self {
            begin: vec![drop()?, writer.all("doctor: begin", Mode::Transaction, BEGIN)?],
            // Every text that two people send is of its own, or a warehouse that reuses results would spoil other probes.
            people: vec![
                writer.query(Who::System, "SELECT CAST(CURRENT_USER AS VARCHAR(128)) AS system_account")?,
                writer.query(Who::Reader, "SELECT CAST(CURRENT_USER AS VARCHAR(128)) AS reader")?,
                writer.query(
                    Who::Reader,
                    "SELECT u.usesuper FROM pg_catalog.pg_user AS u WHERE u.usename = CURRENT_USER",
                )?,
            ],
            probes: probes.collect::<Result<_, TemplateError>>()?,
            end: vec![drop()?],
        })
    }

    /// Every run.
    pub fn runs(&self) -> impl Iterator<Item = &Run> {
        let probes = self.probes.iter().flat_map(|(_, runs)| runs);
        self.begin.iter().chain(&self.people).chain(probes).chain(&self.end)
    }
}

/// Why a probe is not needed for an integration, if it is not.
pub(super) fn not_needed(probe: Probe, integration: &Integration) -> Option<&'static str> {
    match probe {
        Probe::CrossDatabase if integration.mode == IntegrationMode::SingleDatabase => {
            Some("policy views and tables are in one database")
        }
        Probe::LambdaReply | Probe::LambdaUser if integration.mask.is_none() => Some("no mask function is configured"),
        _ => None,
    }
}

/// The other database that is known.
pub(super) fn elsewhere(integration: &Integration) -> Option<&Ident> {
    let database = &integration.setup.as_ref()?.database;
    (!database.is_same(&integration.database)).then_some(database)
}

/// Fills texts in for one integration.
struct Writer<'a> {
    integration: &'a Integration,
    below: Text,
    sample: Text,
    backslashed: Text,
}

impl<'a> Writer<'a> {
    fn new(integration: &'a Integration) -> Result<Self, TemplateError> {
        let text =
            |text: &str| Text::new(text).map_err(|error| TemplateError { step: "doctor", place: error.to_string() });
        Ok(Self {
            integration,
            below: text(integration.names.doctor_below.as_str())?,
            sample: text(SAMPLE)?,
            backslashed: text(BACKSLASHED)?,
        })
    }

    fn statement(&self, step: &'static str, template: &'static str) -> Result<SqlText, TemplateError> {
        let names = &self.integration.names;
        let empty = "SELECT /*  */ 1 AS taken".len();
        let values = [
            ("doctor", Fill::Ident(&names.doctor)),
            ("below", Fill::Ident(&names.doctor_below)),
            ("below_name", Fill::Literal(&self.below)),
            ("functions", Fill::Ident(&names.functions)),
            ("database", Fill::Ident(&self.integration.database)),
            ("sample", Fill::Literal(&self.sample)),
            ("backslashed", Fill::Literal(&self.backslashed)),
            ("padding", Fill::Padding(STATEMENT_BYTES - empty)),
        ];
        fill(template.trim(), &values).map_err(|place| TemplateError { step, place })
    }

    /// Statements of the system account that are no queries.
    fn all(&self, step: &'static str, mode: Mode, templates: &'static str) -> Result<Run, TemplateError> {
        let statements = templates.split(SEPARATOR).map(|template| self.statement(step, template));
        Ok(Run { who: Who::System, place: Place::Own, mode, statements: statements.collect::<Result<_, _>>()? })
    }

    fn query(&self, who: Who, template: &'static str) -> Result<Run, TemplateError> {
        let statements = vec![self.statement("doctor: query", template)?];
        Ok(Run { who, place: Place::Own, mode: Mode::Query, statements })
    }

    fn probe(&self, probe: Probe) -> Result<Vec<Run>, TemplateError> {
        if not_needed(probe, self.integration).is_some() {
            return Ok(Vec::new());
        }
        let system = |template| self.query(Who::System, template);
        let reader = |template| self.query(Who::Reader, template);
        let elsewhere = |template| self.query(Who::System, template).map(|run| Run { place: Place::Elsewhere, ..run });
        match probe {
            // The first shows every account its databases, the second only superusers all of them:
            // https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_REDSHIFT_DATABASES.html
            Probe::Isolation => Ok(vec![
                system(
                    "SELECT d.database_name, d.database_isolation_level FROM pg_catalog.svv_redshift_databases AS d",
                )?,
                system("SELECT d.db_name, d.isolation_level FROM pg_catalog.stv_db_isolation_level AS d")?,
                reader("SELECT r.db_name, r.isolation_level FROM pg_catalog.stv_db_isolation_level AS r")?,
            ]),
            // It can be set for one account.
            Probe::CaseSensitiveIdentifiers => Ok(vec![
                system("SHOW enable_case_sensitive_identifier")?,
                reader("SHOW enable_case_sensitive_identifier")?,
            ]),
            // The other way round, because nothing may be made in a database that is not Redoubt's.
            Probe::CrossDatabase if self::elsewhere(self.integration).is_none() => Ok(Vec::new()),
            Probe::CrossDatabase => Ok(vec![
                elsewhere("SELECT CAST(CURRENT_USER AS VARCHAR(128)) AS account_elsewhere")?,
                elsewhere("SELECT s.value FROM {database}.{doctor}.\"sample\" AS s")?,
            ]),
            Probe::LargeStrings => Ok(vec![system("SELECT is_large_string_enabled() AS enabled")?]),
            // AWS documents how it is set, not how it is read; but also what it hides: what one was not granted.
            Probe::MetadataSecurity => Ok(vec![
                system("SHOW metadata_security")?,
                reader(
                    "SELECT COUNT(*) AS shown FROM pg_catalog.pg_class AS c \
                     JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
                     WHERE n.nspname = {below_name} AND c.relname = 'sample'",
                )?,
            ]),
            Probe::UsageBelowViews => Ok(vec![
                reader("SELECT HAS_SCHEMA_PRIVILEGE({below_name}, 'usage') AS may")?,
                reader("SELECT b.value FROM {doctor}.\"below\" AS b")?,
            ]),
            Probe::ViewReader => Ok(vec![reader("SELECT r.reader FROM {doctor}.\"reader\" AS r")?]),
            Probe::ResultCache => {
                let text = "SELECT c.reader FROM {doctor}.\"cached\" AS c";
                let own = "SELECT o.reader FROM {doctor}.\"uncached\" AS o";
                Ok(vec![system(text)?, reader(text)?, system(text)?, reader(own)?])
            }
            Probe::Backslash => Ok(vec![system("SELECT {backslashed} AS value")?]),
            Probe::LambdaReply => Ok(vec![system(
                "SELECT {functions}.\"mask_regex\"(s.value, '[0-9]', 'x', '') AS masked FROM {doctor}.\"sample\" AS s",
            )?]),
            Probe::LambdaUser => Ok(vec![
                self.all(
                    "doctor: caller",
                    Mode::Transaction,
                    "CREATE VIEW {doctor}.\"told\" AS SELECT {functions}.\"caller\"(s.one) AS told \
                     FROM {doctor}.\"sample\" AS s WITH NO SCHEMA BINDING;;\n\
                     GRANT SELECT ON {doctor}.\"told\" TO PUBLIC",
                )?,
                reader("SELECT t.told FROM {doctor}.\"told\" AS t")?,
            ]),
            Probe::AutoCommit => Ok(vec![
                self.all(
                    "doctor: batch",
                    Mode::AutoCommit,
                    "INSERT INTO {doctor}.\"kept\" (mark) VALUES ('before');;\n\
                     SELECT n.mark FROM {doctor}.\"nothing\" AS n;;\n\
                     INSERT INTO {doctor}.\"kept\" (mark) VALUES ('after')",
                )?,
                system("SELECT k.mark FROM {doctor}.\"kept\" AS k")?,
            ]),
            Probe::StatementSize => Ok(vec![system("SELECT /* {padding} */ 1 AS taken")?]),
        }
    }
}
