//! Learns what became of each statement and sees to what follows.

use redoubt_aws::{batch::Message, runtime, work};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    runtime::run(async |app: &runtime::AwsApp, messages: Vec<Message>| work::outcome(app, messages).await).await
}
