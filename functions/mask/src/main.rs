//! Masks and unmasks values for Redshift, which calls this function from external functions (Lambda UDFs).

mod authority;
mod masking;
mod secret;
mod settings;

use lambda_runtime::{Error, LambdaEvent, service_fn};
use redoubt_aws::{secret::SecretsManager, telemetry};
use redoubt_mask::request::Payload;

use self::{authority::Metadata, masking::Masking, secret::Secret, settings::Settings};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let settings = match Settings::from_env() {
        Ok(settings) => settings,
        Err(error) => {
            telemetry::init(&telemetry::default_filter());
            tracing::error!(%error, "can't start");
            return Err(error.into());
        }
    };
    telemetry::init(&settings.log);
    let source = SecretsManager::connect(&settings.secret).await;
    let secret = Secret::new(source, secret::parse, settings.secret_life);
    let masking = &Masking::new(secret, Metadata::connect().await?);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Payload>| async move {
        // A text, which the runtime makes a JSON string of: Redshift takes no object.
        Ok::<String, Error>(masking.reply(event.payload).await)
    }))
    .await
}
