//! What the system account and PUBLIC get, as one list: steps, documentation and tests are held equal to it.

use std::fmt;

use super::{
    TemplateError,
    template::{Kind, PARTS, made},
};
use crate::{
    model::{Integration, integration::Risk},
    render::system,
    sql::{Fill, Ident, QualifiedName, SqlText, fill_parts},
};

/// A privilege that somebody has because Redoubt was set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// On what.
    pub object: Object,
    /// Which.
    pub privilege: Privilege,
    /// To whom.
    pub grantee: Grantee,
    /// How it comes about.
    pub by: By,
}

/// On what a privilege is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Object {
    /// Redoubt's database.
    Database(Ident),
    /// A language, in Redoubt's database.
    Language(&'static str),
    /// A schema.
    Schema(Ident),
    /// A table or view.
    Relation(QualifiedName),
    /// Every policy view, which all stand in this schema.
    PolicyViews(Ident),
    /// A function and the types of its arguments.
    Function(QualifiedName, Vec<&'static str>),
    /// Functions that the system account will make in a schema: a default privilege.
    FutureFunctions(Ident),
    /// Procedures that the system account will make in a schema: a default privilege.
    FutureProcedures(Ident),
}

/// What may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Privilege {
    /// Make schemas in a database.
    Create,
    /// Make temporary tables in a database.
    Temporary,
    /// Use a database, schema or language.
    Usage,
    /// Read a table or view.
    Select,
    /// Call a function or procedure.
    Execute,
}

/// Who has a privilege.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grantee {
    /// The system account.
    SystemAccount,
    /// Everybody.
    Public,
}

/// How a privilege comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A statement of the setup.
    Setup,
    /// Redshift's own default, which the setup leaves as it is.
    Default,
    /// Each policy view that is put in force.
    PolicyView,
}

impl Privilege {
    /// The word of the `GRANT` and of Redshift's `SVV_*_PRIVILEGES` views.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Temporary => "TEMP",
            Self::Usage => "USAGE",
            Self::Select => "SELECT",
            Self::Execute => "EXECUTE",
        }
    }

    /// The word of PostgreSQL's `aclexplode`. A local database's `USAGE` is what PostgreSQL calls `CONNECT`.
    #[must_use]
    pub fn in_postgresql(self, object: &Object) -> &'static str {
        match (self, object) {
            (Self::Temporary, _) => "TEMPORARY",
            (Self::Usage, Object::Database(_)) => "CONNECT",
            (other, _) => other.as_str(),
        }
    }
}

/// For people, as `docs/warehouse.md` has it.
impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Database(name) => write!(f, "database `{}`", name.as_str()),
            Self::Language(name) => write!(f, "language `{name}`"),
            Self::Schema(name) => write!(f, "schema `{}`", name.as_str()),
            Self::Relation(name) => write!(f, "`{name}`"),
            Self::PolicyViews(schema) => write!(f, "every policy view in schema `{}`", schema.as_str()),
            Self::Function(name, types) => write!(f, "function `{name}({})`", types.join(", ")),
            Self::FutureFunctions(schema) => write!(f, "functions to come in schema `{}`", schema.as_str()),
            Self::FutureProcedures(schema) => write!(f, "procedures to come in schema `{}`", schema.as_str()),
        }
    }
}

/// Everything that the system account and PUBLIC get. What the system account makes it owns besides; what an administrator
/// lets it read is the administrator's business.
#[must_use]
pub fn grants(integration: &Integration) -> Vec<Grant> {
    use Grantee::{Public, SystemAccount};
    use Privilege::{Create, Execute, Select, Temporary, Usage};

    let names = &integration.names;
    let mut grants = Vec::new();
    let mut give = |object: Object, privilege, grantee, by| grants.push(Grant { object, privilege, grantee, by });

    let database = || Object::Database(integration.database.clone());
    for privilege in [Create, Temporary, Usage] {
        give(database(), privilege, SystemAccount, By::Setup);
    }
    // Who may use a database that was there before is not for Redoubt to say.
    if integration.new_database {
        give(database(), Usage, Public, By::Setup);
        give(database(), Temporary, Public, By::Setup);
    }
    if integration.mask.is_some() {
        give(Object::Language("exfunc"), Usage, SystemAccount, By::Setup);
    }
    for schema in names.schemas().into_iter().chain([&integration.view_schema]) {
        give(Object::Schema(schema.clone()), Usage, Public, By::Setup);
    }
    for view in ["user_profile", "user_entitlement", "unmask_key"] {
        give(Object::Relation(system(names, view)), Select, Public, By::Setup);
    }
    give(Object::PolicyViews(integration.view_schema.clone()), Select, Public, By::PolicyView);
    give(Object::FutureFunctions(names.functions.clone()), Execute, Public, By::Setup);
    give(Object::FutureProcedures(names.procedures.clone()), Execute, SystemAccount, By::Setup);
    let functions = PARTS.iter().filter(|part| (part.when)(integration)).flat_map(|part| made(part.template));
    for function in functions.filter(|made| made.kind == Kind::Function) {
        if let Some(name) = function.fixed_name() {
            let name = QualifiedName::new(names.functions.clone(), Ident::fixed(name));
            give(Object::Function(name, function.types), Execute, Public, By::Default);
        }
    }
    if integration.accepts(Risk::ExternalSchemaUsage) {
        for schema in &integration.external_schemas {
            give(Object::Schema(schema.name.clone()), Usage, Public, By::Setup);
        }
    }
    grants
}

/// The statements of some grants: those that give them, or those that take them back.
pub(super) fn statements(
    step: &'static str,
    integration: &Integration,
    give: bool,
    which: impl Fn(&Grant) -> bool,
) -> Result<Vec<SqlText>, TemplateError> {
    let granted = grants(integration).into_iter().filter(|grant| grant.by == By::Setup && which(grant));
    granted.map(|grant| grant.statement(step, integration, give)).collect()
}

impl Grant {
    fn statement(&self, step: &'static str, integration: &Integration, give: bool) -> Result<SqlText, TemplateError> {
        let mut parts = Vec::new();
        let mut values = vec![("grantee", Fill::Ident(&integration.system_user))];
        let (scope, on) = match &self.object {
            Object::Database(name) => {
                values.push(("name", Fill::Ident(name)));
                (None, " ON DATABASE {name}")
            }
            Object::Language(name) => {
                values.push(("name", Fill::Word(name)));
                (None, " ON LANGUAGE {name}")
            }
            Object::Schema(name) => {
                values.push(("name", Fill::Ident(name)));
                (None, " ON SCHEMA {name}")
            }
            Object::Relation(name) => {
                values.extend(name.schema.iter().map(|schema| ("schema", Fill::Ident(schema))));
                values.push(("name", Fill::Ident(&name.name)));
                (None, " ON {schema}.{name}")
            }
            Object::FutureFunctions(schema) => {
                values.push(("schema", Fill::Ident(schema)));
                (Some("ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} "), " ON FUNCTIONS")
            }
            Object::FutureProcedures(schema) => {
                values.push(("schema", Fill::Ident(schema)));
                (Some("ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} "), " ON PROCEDURES")
            }
            // No statement of the setup gives these.
            Object::PolicyViews(_) | Object::Function(..) => {
                return Err(TemplateError { step, place: "grant".to_owned() });
            }
        };
        parts.extend(scope);
        parts.extend([if give { "GRANT " } else { "REVOKE " }, self.privilege.as_str(), on]);
        parts.push(if give { " TO " } else { " FROM " });
        parts.push(match self.grantee {
            Grantee::SystemAccount => "{grantee}",
            Grantee::Public => "PUBLIC",
        });
        fill_parts(&parts, &values).map_err(|place| TemplateError { step, place })
    }
}
