//! The metadata store on the deployed service.

use redoubt_aws::store::{DynamoDb, conformance};
use redoubt_tests::stack::{Stack, StackError};

/// In a table of its own with the keys of the deployed one: the functions would stumble over records that are no documents.
#[tokio::test]
async fn dynamodb_keeps_the_promises_of_the_store() -> Result<(), StackError> {
    let stack = Stack::connect().await?;
    let table = stack.table_like_the_deployed("conformance").await?;
    let store = DynamoDb::new(stack.dynamodb(), &table);
    let result = conformance::check(&store, "e2e/").await;
    stack.drop_table(&table).await?;
    assert_eq!(result, Ok(()));
    Ok(())
}
