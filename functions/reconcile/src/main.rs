//! Sees to it that nothing is lost: asks after what is overdue.

use redoubt_aws::{batch::Message, runtime, work};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    runtime::run(async |app: &runtime::AwsApp, messages: Vec<Message>| work::reconcile(app, messages).await).await
}
