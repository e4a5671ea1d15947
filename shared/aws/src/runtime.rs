//! What every function does around its use case: log, read the configuration, connect, and run batches.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use lambda_runtime::{LambdaEvent, service_fn};

use crate::batch::{self, Message, Outcome};
use crate::config::Config;
use crate::error::Error;
use crate::metrics::Metrics;
use crate::port::{Clock, Entropy, SystemClock, SystemEntropy};
use crate::queue::Sqs;
use crate::store::DynamoDb;
use crate::telemetry;
use crate::warehouse::DataApi;

/// How long a connection may take to open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long one attempt of a call may take. None of the calls waits for SQL to run.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a call may take with all its attempts.
const CALL_TIMEOUT: Duration = Duration::from_secs(25);
/// How often the Data API is tried. Its limits count for the whole account, so others may use them up for a while.
const DATA_API_ATTEMPTS: u32 = 5;

/// Everything a use case works with.
pub struct App<S, W, Q> {
    /// The metadata.
    pub store: S,
    /// Where SQL runs.
    pub warehouse: W,
    /// Where messages go.
    pub queues: Q,
    /// Tells the time.
    pub clock: Box<dyn Clock>,
    /// Gives randomness.
    pub entropy: Box<dyn Entropy>,
    /// What is measured meanwhile.
    pub metrics: Metrics,
    /// The settings.
    pub config: Config,
}

/// The use cases' surroundings on AWS.
pub type AwsApp = App<DynamoDb, DataApi, Sqs>;

impl<S, W, Q> App<S, W, Q> {
    /// The ports given, with the system's clock and randomness.
    pub fn new(store: S, warehouse: W, queues: Q, config: Config) -> Self {
        let metrics = Metrics::new(&config.deployment, config.function.clone());
        let (clock, entropy) = (Box::new(SystemClock), Box::new(SystemEntropy));
        Self { store, warehouse, queues, clock, entropy, metrics, config }
    }

    /// The same with another clock and another source of randomness, as tests want it.
    #[must_use]
    pub fn with(self, clock: impl Clock + 'static, entropy: impl Entropy + 'static) -> Self {
        Self { clock: Box::new(clock), entropy: Box::new(entropy), ..self }
    }
}

impl<S, W, Q> fmt::Debug for App<S, W, Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Builds the clients, once for the life of the process. Endpoints, Region and credentials come from the environment in the
/// way of every AWS SDK.
///
/// # Errors
/// [`Error::Config`] with every fault of the environment.
pub async fn connect() -> Result<AwsApp, Error> {
    Ok(connect_with(Config::from_env()?).await)
}

/// Only the metadata store, for a function that submits and sends nothing.
///
/// # Errors
/// [`Error::Config`] with every fault of the environment.
pub async fn connect_store() -> Result<App<DynamoDb, (), ()>, Error> {
    let config = Config::from_env()?;
    Ok(App::new(store(&sdk().await, &config), (), (), config))
}

/// Only the warehouses, for a program that keeps nothing.
pub async fn connect_warehouse() -> DataApi {
    data_api(&sdk().await)
}

/// Only the metadata store and the queues, for a function that passes events on and submits nothing.
pub async fn connect_intake(config: Config) -> App<DynamoDb, (), Sqs> {
    let sdk = sdk().await;
    let (store, queues) = (store(&sdk, &config), Sqs::new(aws_sdk_sqs::Client::new(&sdk), &config));
    App::new(store, (), queues, config)
}

async fn sdk() -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(CALL_TIMEOUT)
        .build();
    aws_config::defaults(BehaviorVersion::latest())
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard())
        .load()
        .await
}

fn store(sdk: &SdkConfig, config: &Config) -> DynamoDb {
    DynamoDb::new(aws_sdk_dynamodb::Client::new(sdk), &config.table)
}

async fn connect_with(config: Config) -> AwsApp {
    let sdk = sdk().await;
    let (store, queues) = (store(&sdk, &config), Sqs::new(aws_sdk_sqs::Client::new(&sdk), &config));
    App::new(store, data_api(&sdk), queues, config)
}

/// The Data API slows down by itself when it is throttled, because its limits can't be raised.
fn data_api(sdk: &SdkConfig) -> DataApi {
    let retries = RetryConfig::adaptive().with_max_attempts(DATA_API_ATTEMPTS);
    let config = aws_sdk_redshiftdata::config::Builder::from(sdk).retry_config(retries).build();
    DataApi::new(aws_sdk_redshiftdata::Client::from_conf(config))
}

/// Runs a function: starts logging, connects, then hands every batch to the handler until Lambda stops the process.
///
/// # Errors
/// When the environment is incomplete or Lambda's runtime interface fails.
pub async fn run<H>(handler: H) -> Result<(), lambda_runtime::Error>
where
    H: AsyncFn(&AwsApp, Vec<Message>) -> Vec<Outcome>,
{
    let config = match Config::from_env() {
        Ok(config) => config,
        Err(error) => {
            telemetry::init(&telemetry::default_filter());
            tracing::error!(%error, "can't start");
            return Err(error.into());
        }
    };
    telemetry::init(&config.log);
    let app = &connect_with(config).await;
    let handler = &handler;
    let service = service_fn(move |event: LambdaEvent<SqsEvent>| async move {
        // A use case awaits service calls many levels down; behind a pointer, the compiler need not lay out the whole of it.
        let handle = async |messages| {
            let handled: Pin<Box<dyn Future<Output = Vec<Outcome>> + '_>> = Box::pin(handler(app, messages));
            handled.await
        };
        let response = batch::run(&app.queues, &app.metrics, event.payload, handle).await;
        app.metrics.flush(app.clock.now());
        Ok::<SqsBatchResponse, lambda_runtime::Error>(response)
    });
    lambda_runtime::run(service).await
}
