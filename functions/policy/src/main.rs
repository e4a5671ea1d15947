//! Stores policies and has the data sources refreshed that they touch.

use redoubt_aws::{batch::Message, runtime, work};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    runtime::run(async |app: &runtime::AwsApp, messages: Vec<Message>| work::policy(app, messages).await).await
}
