//! What must be true in the end, whatever happened in between: the metadata has the newest of every document, all of it is in force,
//! and the catalogs hold just that.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_redshiftdata::types::{ExecutionMode, StatusString};
use redoubt_core::{
    model::{Integration, stored},
    plan::Transform,
    record::{Kind, Record, State},
    render::view::{self, Place},
    sql::Ident,
};
use redoubt_tests::{
    newest::{ExpectedView, Newest},
    stack::{Row, Scene, Session, StackError, Workgroup, ident, literal},
};

/// Statements of one call.
const BATCH: usize = 40;

/// One warehouse: what must be there, and a session to look.
pub struct Warehouse {
    workgroup: Workgroup,
    integration: Integration,
    session: Session,
    /// The policy views that must be there, and how the database prints them.
    expected: Vec<ExpectedView>,
    printed: BTreeMap<String, Row>,
}

impl Warehouse {
    /// The warehouse of an integration. How the database prints a view is found by making it in a schema apart.
    pub async fn open(
        scene: &Scene,
        workgroup: Workgroup,
        integration: &str,
        newest: &Newest,
    ) -> Result<Self, StackError> {
        let record = scene.stack.record(Kind::Integration, integration).await?;
        let integration = record.as_ref().map(stored::integration).transpose();
        let integration = integration.map_err(|faults| StackError::Unusable(faults.to_string()))?.flatten();
        let integration = integration.ok_or_else(|| StackError::Unusable("an integration is gone".to_owned()))?;
        let session = scene.stack.administrator_on(workgroup, integration.database.as_str()).await?;
        let expected = newest.views(&integration).map_err(StackError::Unusable)?;
        let mut warehouse = Self { workgroup, integration, session, expected, printed: BTreeMap::new() };
        let scratch = Ident::new(scene.name("expected")).unwrap();
        make_in(scene, &warehouse, &scratch).await?;
        warehouse.printed = catalog(&warehouse, scratch.as_str(), &scene.prefix).await?;
        warehouse.session.run(&format!("DROP SCHEMA {} CASCADE", ident(scratch.as_str()))).await?;
        assert_eq!(warehouse.printed.len(), warehouse.expected.len(), "every expected view can be made");
        Ok(warehouse)
    }

    /// Whether there must be anything to see.
    pub fn has_views(&self) -> bool {
        !self.expected.is_empty()
    }

    /// A session that looks, for whoever wants to change something before.
    pub fn session(&self) -> &Session {
        &self.session
    }

    fn place(&self) -> String {
        format!("{}/{}", self.integration.id, self.integration.database.as_str())
    }

    async fn rows(&self, sql: &str) -> Result<Vec<Row>, StackError> {
        self.session.rows(sql).await.map_err(|error| StackError::Unusable(format!("{sql}: {error}")))
    }
}

/// How much was compared.
#[derive(Debug, Default)]
pub struct Compared {
    pub documents: usize,
    pub views: usize,
    pub profiles: usize,
    pub entitlements: usize,
    pub policies: usize,
}

/// Everything that is not as it must be.
pub async fn differences(
    scene: &Scene,
    newest: &Newest,
    warehouses: &[Warehouse],
) -> Result<(Vec<String>, Compared), StackError> {
    let mut wrong = Vec::new();
    let mut compared = Compared::default();
    let mut revisions = BTreeMap::new();
    for expected in newest.records() {
        compared.documents += 1;
        let id = &expected.id;
        let Some(found) = scene.stack.record(expected.kind, id).await? else {
            wrong.push(format!("{} {id} is lost", expected.kind));
            continue;
        };
        metadata(expected, &found, &mut wrong);
        statuses(&found, warehouses, &mut wrong);
        revisions.insert((found.kind, found.id.clone()), found.revision);
    }
    for warehouse in warehouses {
        let id = warehouse.integration.id.as_str();
        let record = scene.stack.record(Kind::Integration, id).await?;
        let status = record.as_ref().and_then(Record::status);
        if status.as_ref().map(|status| (status.state, status.revision))
            != record.map(|record| (State::Applied, record.revision))
        {
            wrong.push(format!("integration {id}: {status:?}"));
        }
        let mut found = Vec::new();
        views(scene, warehouse, &revisions, &mut found, &mut compared).await?;
        profiles(scene, newest, warehouse, &mut found, &mut compared).await?;
        policies(scene, newest, warehouse, &mut found, &mut compared).await?;
        wrong.extend(found.into_iter().map(|text| format!("{}: {text}", warehouse.place())));
    }
    Ok((wrong, compared))
}

/// The record has the newest of everything that was said, and waits for no fan-out.
fn metadata(expected: &Record, found: &Record, wrong: &mut Vec<String>) {
    let (kind, id) = (found.kind, &found.id);
    if (&found.fields, found.deleted) != (&expected.fields, expected.deleted) {
        wrong.push(format!("{kind} {id} is {:?}, expected {:?}", found.fields, expected.fields));
    }
    if matches!(kind, Kind::Policy | Kind::Project) && !found.previous.is_empty() {
        wrong.push(format!("{kind} {id} still has a definition that was replaced"));
    }
}

/// Its newest revision is in force wherever it belongs.
fn statuses(record: &Record, warehouses: &[Warehouse], wrong: &mut Vec<String>) {
    let (kind, id) = (record.kind, &record.id);
    if !matches!(kind, Kind::Policy | Kind::DataSource | Kind::User) {
        return;
    }
    // One that was deleted before it ever came has nothing to withdraw.
    let gone = record.document().is_none();
    let host = record.document().and_then(|document| document.get("host")?.as_str());
    let here = |warehouse: &&Warehouse| kind != Kind::DataSource || Some(warehouse.integration.host.as_str()) == host;
    for warehouse in warehouses.iter().filter(here) {
        let status = record.status_in(&warehouse.place());
        let settled = status.is_some_and(|status| {
            status.revision == record.revision
                && matches!(status.state, State::Applied | State::Withdrawn | State::Disabled)
        });
        if !settled && !gone {
            wrong.push(format!("{kind} {id}: revision {}, {}: {status:?}", record.revision, warehouse.place()));
        }
    }
    for (place, status) in &record.statuses {
        if matches!(status.state, State::Unhealthy | State::Pending) && status.revision == record.revision {
            wrong.push(format!("{kind} {id}: `{place}`: {status:?}"));
        }
    }
}

/// The policy views of a schema whose names have the prefix: definition, owner, rights and columns, by name.
async fn catalog(warehouse: &Warehouse, schema: &str, prefix: &str) -> Result<BTreeMap<String, Row>, StackError> {
    let rows = warehouse
        .rows(&format!(
            "SELECT c.relname, pg_get_viewdef(c.oid), \
             (SELECT string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum) \
              FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped), \
             pg_get_userbyid(c.relowner), c.relacl::text \
             FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE n.nspname = {schema} AND c.relkind = 'v' AND left(c.relname, {length}) = {prefix}",
            schema = literal(schema),
            length = prefix.len(),
            prefix = literal(prefix),
        ))
        .await?;
    Ok(rows.into_iter().map(|row| (row[0].clone().unwrap_or_default(), row[1..].to_vec())).collect())
}

/// The catalog has the views that the newest documents give, and no others.
async fn views(
    scene: &Scene,
    warehouse: &Warehouse,
    revisions: &BTreeMap<(Kind, String), u64>,
    wrong: &mut Vec<String>,
    compared: &mut Compared,
) -> Result<(), StackError> {
    let (integration, expected) = (&warehouse.integration, &warehouse.expected);
    let found = catalog(warehouse, integration.view_schema.as_str(), &scene.prefix).await?;
    let names = |views: &BTreeMap<String, Row>| views.keys().cloned().collect::<BTreeSet<_>>();
    let wanted: BTreeSet<String> = expected.iter().map(|view| view.view.as_str().to_owned()).collect();
    if names(&found) != wanted {
        wrong.push(format!("views {:?}, expected {wanted:?}", names(&found)));
    }
    let owner = integration.system_user.as_str();
    let rights = format!("{{{owner}=arwdDxt/{owner},=r/{owner}}}");
    for (name, found) in &found {
        let Some(made) = warehouse.printed.get(name) else { continue };
        compared.views += 1;
        if found[..2] != made[..2] {
            wrong.push(format!("view {name} is {:?}, expected {:?}", &found[..2], &made[..2]));
        }
        if found[2].as_deref() != Some(owner) || found[3].as_deref() != Some(rights.as_str()) {
            wrong.push(format!("view {name} is {:?}'s with {:?}, expected {rights}", found[2], found[3]));
        }
    }
    bookkeeping(scene, warehouse, expected, revisions, wrong).await?;
    salts(scene, warehouse, expected, wrong).await
}

/// Makes views in a schema of their own, through the Data API, since PostgreSQL itself does not read Redshift's SQL.
async fn make_in(scene: &Scene, warehouse: &Warehouse, schema: &Ident) -> Result<(), StackError> {
    let integration = &warehouse.integration;
    let (quoted, owner) = (ident(schema.as_str()), ident(integration.system_user.as_str()));
    warehouse.session.run(&format!("CREATE SCHEMA {quoted}; GRANT ALL ON SCHEMA {quoted} TO {owner}")).await?;
    let definitions: Vec<String> = warehouse
        .expected
        .iter()
        .map(|expected| {
            view::view(&expected.plan, &place(integration, schema, expected)).definition.execute().to_owned()
        })
        .collect();
    let client = scene.stack.data_api();
    for definitions in definitions.chunks(BATCH) {
        let mut sqls = definitions.to_vec();
        // A batch of one is no batch to the Data API's reports, so there are always two.
        sqls.push("SELECT 1".to_owned());
        let call = client.batch_execute_statement().workgroup_name(scene.stack.settings.workgroup(warehouse.workgroup));
        let call = call.database(integration.database.as_str()).secret_arn(&integration.secret);
        let call = call.set_sqls(Some(sqls)).execution_mode(ExecutionMode::AutoCommit).wait_time_seconds(30);
        let submitted = call.send().await.map_err(refused)?;
        let id = submitted.id().unwrap_or_default();
        let described = client.describe_statement().id(id).wait_time_seconds(30).send().await.map_err(refused)?;
        if described.status() != Some(&StatusString::Finished) {
            return Err(StackError::Refused(format!("{:?}", described.error())));
        }
    }
    Ok(())
}

fn refused<E: std::error::Error>(error: E) -> StackError {
    StackError::Refused(format!("{error:?}"))
}

fn place<'a>(integration: &'a Integration, schema: &'a Ident, expected: &'a ExpectedView) -> Place<'a> {
    Place { names: &integration.names, database: &integration.database, schema, view: &expected.view }
}

/// What Redoubt notes in the warehouse agrees with the metadata.
async fn bookkeeping(
    scene: &Scene,
    warehouse: &Warehouse,
    expected: &[ExpectedView],
    revisions: &BTreeMap<(Kind, String), u64>,
    wrong: &mut Vec<String>,
) -> Result<(), StackError> {
    let integration = &warehouse.integration;
    let rows = warehouse
        .rows(&format!(
            "SELECT source, revision, state, view_name, fingerprint FROM immuta_system.data_source \
             WHERE left(source, {}) = {}",
            scene.prefix.len(),
            literal(&scene.prefix)
        ))
        .await?;
    let mut views: BTreeMap<&str, &ExpectedView> = expected.iter().map(|view| (view.source.as_str(), view)).collect();
    for row in rows {
        let source = row[0].clone().unwrap_or_default();
        let view = views.remove(source.as_str());
        let fingerprint = view.map(|expected| {
            view::view(&expected.plan, &place(integration, &integration.view_schema, expected)).fingerprint
        });
        let name = view.map(|expected| expected.view.as_str().to_owned());
        if (&row[3], &row[4]) != (&name, &fingerprint) {
            wrong.push(format!("data_source {source} is noted as {row:?}, expected {name:?} {fingerprint:?}"));
        }
        let revision = revisions.get(&(Kind::DataSource, source.clone())).map(u64::to_string);
        if view.is_some() && (row[1] != revision || row[2].as_deref() != Some("applied")) {
            wrong.push(format!("data_source {source} is noted as {row:?}, expected revision {revision:?}"));
        }
    }
    wrong.extend(views.keys().map(|source| format!("data_source {source} is not noted")));
    Ok(())
}

/// A project's salt is there where a view in force hashes with it: without it the column would be empty.
async fn salts(
    scene: &Scene,
    warehouse: &Warehouse,
    expected: &[ExpectedView],
    wrong: &mut Vec<String>,
) -> Result<(), StackError> {
    let rows = warehouse
        .rows(&format!(
            "SELECT source FROM immuta_system.masking_key WHERE salt IS NOT NULL AND left(source, {}) = {}",
            scene.prefix.len(),
            literal(&scene.prefix)
        ))
        .await?;
    let salted: BTreeSet<String> = rows.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect();
    for view in expected.iter().filter(|view| hashes(view)) {
        let projects = view.plan.join_projects.iter().map(|project| project.id.as_str());
        for needed in projects.chain([view.source.as_str()]).filter(|needed| !salted.contains(*needed)) {
            wrong.push(format!("view of {} hashes with the salt of {needed}, which has none", view.source));
        }
    }
    Ok(())
}

/// The warehouse knows of users what the newest documents say, row by row.
async fn profiles(
    scene: &Scene,
    newest: &Newest,
    warehouse: &Warehouse,
    wrong: &mut Vec<String>,
    compared: &mut Compared,
) -> Result<(), StackError> {
    let own = |column: &str| format!("left({column}, {}) = {}", scene.prefix.len(), literal(&scene.prefix));
    let expected = newest.profiles().map_err(StackError::Unusable)?;
    let rows = warehouse
        .rows(&format!(
            "SELECT immuta__userid, project FROM immuta_system.profile WHERE active AND {} ORDER BY 1",
            own("immuta__userid")
        ))
        .await?;
    let wanted: Vec<Row> =
        expected.iter().map(|(account, profile)| vec![Some(account.clone()), profile.project.clone()]).collect();
    compared.profiles += rows.len();
    differ("profiles", rows, wanted, wrong);
    let rows = warehouse
        .rows(&format!(
            "SELECT immuta__userid, kind, name, value FROM immuta_system.profile_entitlement WHERE {}",
            own("immuta__userid")
        ))
        .await?;
    let wanted = expected.iter().flat_map(|(account, profile)| {
        let row = move |(kind, name, value): &(String, Option<String>, String)| {
            vec![Some(account.clone()), Some(kind.clone()), name.clone(), Some(value.clone())]
        };
        profile.entitlements.iter().map(row)
    });
    compared.entitlements += rows.len();
    differ("entitlements", rows, wanted.collect(), wrong);
    Ok(())
}

/// The warehouse has the newest definitions of policies.
async fn policies(
    scene: &Scene,
    newest: &Newest,
    warehouse: &Warehouse,
    wrong: &mut Vec<String>,
    compared: &mut Compared,
) -> Result<(), StackError> {
    let rows = warehouse
        .rows(&format!(
            "SELECT policy, status, definition FROM immuta_system.policy WHERE definition IS NOT NULL \
             AND left(policy, {}) = {}",
            scene.prefix.len(),
            literal(&scene.prefix)
        ))
        .await?;
    let wanted = newest
        .definitions()
        .into_iter()
        .map(|(id, (status, document))| vec![Some(id), Some(status), Some(document)])
        .collect();
    compared.policies += rows.len();
    differ("policies", rows, wanted, wrong);
    Ok(())
}

/// What is done to a warehouse behind Redoubt's back, each a statement, and the words that tell of it.
pub fn tampering(scene: &Scene, warehouse: &Warehouse) -> Vec<(String, &'static str)> {
    let own = |column: &str| format!("left({column}, {}) = {}", scene.prefix.len(), literal(&scene.prefix));
    let schema = ident(warehouse.integration.view_schema.as_str());
    let view = |place: usize| format!("{schema}.{}", ident(warehouse.expected[place].view.as_str()));
    let one = |table: &str, id: &str| format!("(SELECT min({id}) FROM immuta_system.{table} WHERE {})", own(id));
    let first = one("profile", "immuta__userid");
    let mut tampering = vec![
        (format!("DROP VIEW {}", view(0)), "views {"),
        (format!("ALTER VIEW {} RENAME COLUMN phone TO telephone", view(0)), "telephone"),
        (format!("GRANT INSERT ON {} TO PUBLIC", view(0)), "=ar/"),
        (
            format!("UPDATE immuta_system.data_source SET revision = revision - 1 WHERE {}", own("view_name")),
            "is noted as",
        ),
        (format!("UPDATE immuta_system.profile SET active = NOT active WHERE immuta__userid = {first}"), "profiles: "),
        (
            format!(
                "INSERT INTO immuta_system.profile_entitlement (immuta__userid, kind, name, value) \
                 VALUES ({first}, 'group', NULL, 'forged')"
            ),
            "should not be there",
        ),
        (
            format!("DELETE FROM immuta_system.profile_entitlement WHERE kind = 'user' AND {}", own("immuta__userid")),
            "is missing",
        ),
        (format!("UPDATE immuta_system.policy SET status = 'other' WHERE {}", own("policy")), "policies: "),
    ];
    if warehouse.expected.iter().any(hashes) {
        let salts = format!("DELETE FROM immuta_system.masking_key WHERE {}", own("source"));
        tampering.push((salts, "hashes with the salt"));
    }
    tampering
}

fn hashes(expected: &ExpectedView) -> bool {
    expected.plan.transforms().any(Transform::is_hash)
}

/// Two lists of rows, whatever their order.
fn differ(what: &str, mut found: Vec<Row>, mut wanted: Vec<Row>, wrong: &mut Vec<String>) {
    found.sort();
    wanted.sort();
    for row in found.iter().filter(|row| !wanted.contains(row)) {
        wrong.push(format!("{what}: {row:?} should not be there"));
    }
    for row in wanted.iter().filter(|row| !found.contains(row)) {
        wrong.push(format!("{what}: {row:?} is missing"));
    }
    if found.len() != wanted.len() {
        wrong.push(format!("{what}: {} rows, expected {}", found.len(), wanted.len()));
    }
}
