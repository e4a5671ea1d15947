//! The second warehouse: apart from the first, and away for a while.

use aws_sdk_redshiftdata::{error::SdkError, types::StatusString};
use redoubt_tests::stack::{Stack, StackError, Workgroup, wait};

/// Submits a statement, waits for its end, and gives its error.
async fn run(stack: &Stack, workgroup: Workgroup, sql: &str) -> Result<Option<String>, StackError> {
    let client = stack.data_api();
    let execute = client.execute_statement().workgroup_name(stack.settings.workgroup(workgroup)).sql(sql);
    let execute = execute.database(stack.settings.get("PGDATABASE"));
    let reply = execute.secret_arn(stack.settings.get("REDOUBT_SETUP_SECRET_ARN")).send().await;
    let id = reply.map_err(|source| failed("take a statement", source))?.id.unwrap_or_default();
    wait::until(
        || format!("{sql} ends"),
        async || {
            let reply = client.describe_statement().id(&id).send().await;
            let reply = reply.map_err(|source| failed("describe a statement", source))?;
            Ok(match reply.status() {
                Some(StatusString::Finished) => Ok(None),
                Some(StatusString::Failed) => Ok(Some(reply.error().unwrap_or_default().to_owned())),
                status => Err(format!("{status:?}")),
            })
        },
    )
    .await
}

fn failed<E, R>(what: &'static str, source: SdkError<E, R>) -> StackError
where
    SdkError<E, R>: std::error::Error + Send + Sync + 'static,
{
    StackError::Service { service: "the Data API", what, source: source.into() }
}

#[tokio::test]
async fn a_warehouse_that_stops_keeps_its_data_and_leaves_the_other_alone() -> Result<(), StackError> {
    let stack = Stack::connect().await?;
    let _second = stack.second().await?;
    let (database, settings) = (stack.settings.get("PGDATABASE"), &stack.settings);
    assert_ne!(settings.host(Workgroup::First), settings.host(Workgroup::Second));
    let second = stack.administrator_on(Workgroup::Second, database).await?;
    second.run("DROP TABLE IF EXISTS public.kept; CREATE TABLE public.kept AS SELECT 7 AS a").await?;

    stack.stop_warehouse(Workgroup::Second).await?;
    assert!(second.see("SELECT 1").await.starts_with("ERROR"));
    let error = run(&stack, Workgroup::Second, "SELECT 1").await?;
    assert!(error.as_deref().is_some_and(|error| error.starts_with("Connection refused.")), "{error:?}");
    assert_eq!(run(&stack, Workgroup::First, "SELECT 1").await?, None);
    assert_eq!(stack.administrator(database).await?.see("SELECT 1").await, "1");

    stack.start_warehouse(Workgroup::Second).await?;
    assert_eq!(run(&stack, Workgroup::Second, "SELECT a FROM public.kept").await?, None);
    let second = stack.administrator_on(Workgroup::Second, database).await?;
    assert_eq!(second.see("SELECT a FROM public.kept").await, "7");
    second.run("DROP TABLE public.kept").await?;
    Ok(())
}
