//! Takes events from producers without AWS credentials: checks who signed them and passes them on to their queues.

use std::sync::Arc;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use redoubt_aws::{
    config::Config,
    runtime,
    secret::{Secret, SecretsManager},
    telemetry,
};
use redoubt_webhook::{Answer, Request, Webhook, keys::Keys, settings::Settings};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let (config, settings) = match environment() {
        Ok(environment) => environment,
        Err(error) => {
            telemetry::init(&telemetry::default_filter());
            tracing::error!(%error, "can't start");
            return Err(error);
        }
    };
    telemetry::init(&config.log);
    let source = SecretsManager::connect(&settings.secret).await;
    let keys = Secret::new(source, |document| Keys::parse(document).map(Arc::new), settings.secret_life);
    let webhook = &Webhook::new(runtime::connect_intake(config).await, keys, settings.window);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Request>| async move {
        Ok::<Answer, Error>(webhook.answer(&event.payload).await)
    }))
    .await
}

fn environment() -> Result<(Config, Settings), Error> {
    Ok((Config::from_env()?, Settings::from_env()?))
}
