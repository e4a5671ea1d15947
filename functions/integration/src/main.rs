//! Stores integrations and sets their warehouses up.

use redoubt_aws::{batch::Message, runtime, work};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    runtime::run(async |app: &runtime::AwsApp, messages: Vec<Message>| work::integration(app, messages).await).await
}
