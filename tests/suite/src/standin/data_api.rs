//! Statements sent through the Data API, as Redoubt sends them.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_redshiftdata::{
    Client,
    operation::describe_statement::DescribeStatementOutput,
    types::{ExecutionMode, StatusString},
};
use redoubt_core::{
    model::Integration,
    render::install::{Connection, Step, StepMode},
};

use super::{OwnWarehouse, WORKGROUP};
use crate::{calls, stack::StackError};

/// The messages of statements that failed, by their places in the call.
pub type Failures = BTreeMap<usize, String>;

const SERVICE: &str = "the Data API";

impl OwnWarehouse {
    /// A client of its Data API.
    #[must_use]
    pub fn data_api(&self) -> &Client {
        &self.data_api
    }

    /// Runs a statement with a secret.
    ///
    /// # Errors
    /// When it fails.
    pub async fn execute(&self, secret: &str, database: &str, sql: &str) -> Result<(), StackError> {
        let call = self.data_api.execute_statement().workgroup_name(WORKGROUP).database(database).secret_arn(secret);
        let submitted = call.sql(sql).send().await.map_err(StackError::service(SERVICE, "take a statement"))?;
        match failures(&self.end_of(submitted.id()).await?).into_values().next() {
            Some(message) => Err(StackError::Refused(message)),
            None => Ok(()),
        }
    }

    /// Runs statements with a secret, and says which failed.
    ///
    /// # Errors
    /// When the call is refused as a whole.
    pub async fn batch(
        &self,
        secret: &str,
        database: &str,
        mode: ExecutionMode,
        sqls: Vec<String>,
    ) -> Result<Failures, StackError> {
        let call = self.data_api.batch_execute_statement().workgroup_name(WORKGROUP).database(database);
        let call = call.secret_arn(secret).set_sqls(Some(sqls)).execution_mode(mode).wait_time_seconds(30);
        let submitted = call.send().await.map_err(StackError::service(SERVICE, "take statements"))?;
        Ok(failures(&self.end_of(submitted.id()).await?))
    }

    async fn end_of(&self, id: Option<&str>) -> Result<DescribeStatementOutput, StackError> {
        let id = id.unwrap_or_default();
        loop {
            let described = self.data_api.describe_statement().id(id).send().await;
            let described = described.map_err(StackError::service(SERVICE, "describe a statement"))?;
            if let Some(StatusString::Finished | StatusString::Failed | StatusString::Aborted) = described.status() {
                return Ok(described);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Runs the statements of a step together or one by one, with the secrets that the integration names.
    ///
    /// # Errors
    /// When the call is refused as a whole.
    pub async fn step(&self, integration: &Integration, step: &Step) -> Result<Failures, StackError> {
        let (secret, database) = place(integration, step.connection)?;
        let sqls = step.statements.iter().map(|sql| sql.execute().to_owned()).collect();
        self.batch(secret, database, mode(step.mode, step.statements.len()), sqls).await
    }

    /// Does what a deployment does first, where nothing of it was done before.
    ///
    /// # Errors
    /// When a statement fails.
    pub async fn set_up(&self, integration: &Integration) -> Result<(), StackError> {
        for step in calls::setup(integration).map_err(StackError::Unusable)? {
            let failures = self.step(integration, &step).await?;
            if !failures.is_empty() {
                return Err(StackError::Refused(format!("step `{}`: {failures:?}", step.name)));
            }
        }
        Ok(())
    }
}

/// How the Data API is told of a step's mode.
#[must_use]
pub fn mode(mode: StepMode, statements: usize) -> ExecutionMode {
    if mode == StepMode::Each || statements == 1 { ExecutionMode::AutoCommit } else { ExecutionMode::Transaction }
}

/// Secret and database of a connection.
fn place(integration: &Integration, connection: Connection) -> Result<(&str, &str), StackError> {
    let database = integration.database.as_str();
    let setup = || {
        let setup = integration.setup.as_ref();
        setup.ok_or_else(|| StackError::Unusable(format!("integration `{}` says no setup", integration.id)))
    };
    Ok(match connection {
        Connection::SetupElsewhere => (&setup()?.secret, setup()?.database.as_str()),
        Connection::Setup => (&setup()?.secret, database),
        Connection::System => (&integration.secret, database),
    })
}

fn failures(described: &DescribeStatementOutput) -> Failures {
    let parts = described.sub_statements().iter().enumerate();
    let mut failures: Failures = parts.filter_map(|(place, part)| Some((place, part.error()?.to_owned()))).collect();
    if failures.is_empty() && described.status() != Some(&StatusString::Finished) {
        failures.insert(0, described.error().unwrap_or("no reason").to_owned());
    }
    failures
}
