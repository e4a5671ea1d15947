//! Stores users and projects and writes the profiles they make.

use redoubt_aws::{batch::Message, runtime, work};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    runtime::run(async |app: &runtime::AwsApp, messages: Vec<Message>| work::user(app, messages).await).await
}
